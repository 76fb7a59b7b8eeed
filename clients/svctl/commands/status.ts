import { Init, ListResponse, Phase, Service, Services, selectorOf } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { FORMATS, type Format, type OptionSpec, outputOption, timeoutOption, usage } from '../options.js';
import { isInTrouble } from '../phrases.js';
import { extrasOf, statusTable } from '../status-table.js';

const OPTIONS: readonly OptionSpec[] = [
  outputOption(FORMATS),
  { name: 'failed', help: 'show only services in trouble' },
  { name: 'check', help: 'exit with 10 if a service is in trouble' },
  { name: 'by-tag', help: 'group the services by tag' },
  { name: 'watch', short: 'w', help: 'keep the table up to date, until Ctrl-C' },
  timeoutOption('how long to wait for an answer'),
];

export const status: Command = {
  name: 'status',
  summary: 'show the services (the default)',
  usage: '[NAME…]',
  operands: 'services',
  hosts: 'reads',
  description:
    'Shows the state of all services, or of those named; NAME may be a pattern like "web-*" or a tag like @workers. A service is in trouble when it has failed, is in back-off, is up but not ready, or waits for a service that will not come; the reason, the time of the next attempt and the last lines of its log follow. -o wide also samples the resources of each service: CPU is in percent of one core, MEMORY is resident memory. On a narrow terminal the less important columns are left out. RESTARTS and STARTS count processes, ATTEMPTS also the attempts that came to no process. With names, the exit code is 3 unless every one of them has a process; with --check, the exit code is 10 if one of them is in trouble, else 0.',
  examples: [
    'svctl',
    "svctl status 'web-*' -o wide",
    'svctl status --check || svctl status --failed',
    'svctl status -w',
  ],
  options: OPTIONS,
  run: showStatus,
};

async function showStatus(context: Context): Promise<ExitCode> {
  if (context.has('watch')) return await watchTable(context);
  const response = await context.ask(Services.list, { selector: selectorOf(context.operands) });
  const services = context.has('failed') ? response.services.filter(isInTrouble) : response.services;
  if (services.length === 0 && TABLES.includes(context.format)) await explainNone(context, response.services.length);
  else {
    await context.show({
      json: ListResponse.toJSON({ ...response, services }),
      items: services.map((service) => Service.toJSON(service)),
      names: services.map(({ name }) => name),
      table: async () => {
        const extras = await extrasOf(services, response.logLosses, context);
        return statusTable(services, context, Date.now(), extras);
      },
    });
  }
  if (context.has('check')) return services.some(isInTrouble) ? ExitCode.trouble : ExitCode.ok;
  const notRunning = context.operands.length > 0 && services.some((service) => service.pid === 0);
  return notRunning ? ExitCode.notRunning : ExitCode.ok;
}

const TABLES: readonly Format[] = ['table', 'wide'];

async function watchTable(context: Context): Promise<ExitCode> {
  if (!TABLES.includes(context.format)) throw usage(`--watch shows a table, not ${context.format}`, WATCH_HINT);
  if (context.width === undefined) throw usage('--watch needs a terminal', WATCH_HINT);
  const { watchStatus } = await import('../status-watch.js');
  return await watchStatus(context);
}

const WATCH_HINT = 'svctl watch prints a line for each change, also as JSON.';

/** `unshown`: how many there are that are not in trouble. */
async function explainNone(context: Context, unshown: number): Promise<void> {
  if (unshown > 0) {
    context.note(`no service is in trouble, of ${unshown}`);
    return;
  }
  const { phase, serviceDirectory } = await context.ask(Init.getInfo, {});
  if (phase === Phase.PHASE_BOOTING) {
    context.note('no services yet: my_init runs the startup scripts, the services come after them');
    return;
  }
  context.note(`no services. The service directory is ${serviceDirectory}`);
  context.note(`to add one, put an executable program called run into ${serviceDirectory}/NAME; it is started at once`);
}
