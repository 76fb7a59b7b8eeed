import {
  Init,
  ListResponse,
  Phase,
  Service,
  ServiceState,
  Services,
  type ServiceUsage,
  selectorOf,
} from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { FORMATS, type Format, outputOption, timeoutOption } from '../options.js';
import { causeWords, desiredName, fullState, lastExitWords, stateStyle, troubleWords } from '../phrases.js';
import { serviceLines } from '../service-lines.js';
import { serviceUsage, usageCells } from '../service-usage.js';
import { roughSpan, span } from '../text/duration.js';
import type { Cell, Row, Table } from '../text/table.js';

export const status: Command = {
  name: 'status',
  summary: 'show the services (the default)',
  usage: '[NAME…]',
  operands: 'services',
  hosts: 'reads',
  description:
    'Shows the state of all services, or of those named; NAME may be a pattern like "web-*". Under a service that is in trouble stands why, and when the next attempt is; with names or -o wide also the last lines that it said. -o wide measures for a moment what the processes of each service use: CPU is in percent of one, MEMORY is resident. With names the exit code is 3 unless every one of them has a process.',
  examples: ['svctl', "svctl status 'web-*' -o wide", 'svctl status -o json | jq -r ".services[].pid"'],
  options: [outputOption(FORMATS), timeoutOption('how long to wait for an answer')],
  run: showStatus,
};

async function showStatus(context: Context): Promise<ExitCode> {
  const response = await context.ask(Services.list, { selector: selectorOf(context.operands) });
  const { services } = response;
  if (services.length === 0 && TABLES.includes(context.format)) await explainNone(context);
  else {
    await context.show({
      json: ListResponse.toJSON(response),
      items: services.map((service) => Service.toJSON(service)),
      names: services.map(({ name }) => name),
      table: async () => statusTable(services, context, Date.now(), await extrasOf(services, context)),
    });
  }
  const notRunning = context.operands.length > 0 && services.some((service) => service.pid === 0);
  return notRunning ? ExitCode.notRunning : ExitCode.ok;
}

const TABLES: readonly Format[] = ['table', 'wide'];

const COLUMNS = ['NAME', 'STATE', 'READY', 'PID', 'UPTIME', 'RESTARTS', 'LAST EXIT'];
const WIDE_COLUMNS = [...COLUMNS, 'CPU', 'MEMORY', 'DESIRED', 'RUN', 'SINCE', 'CAUSE'];

/** The last lines of those in trouble, when it is asked for them by name or for all that is known. */
async function linesOfTroubled(services: readonly Service[], context: Context): Promise<Lines> {
  if (context.operands.length === 0 && context.format !== 'wide') return new Map();
  const troubled = services.filter(({ state }) => TROUBLED.includes(state));
  return serviceLines(
    context,
    troubled.map(({ name }) => name),
  );
}

/** What is asked for beside the services themselves. */
async function extrasOf(services: readonly Service[], context: Context) {
  const [lines, usage] = await Promise.all([
    linesOfTroubled(services, context),
    context.format === 'wide' ? serviceUsage(context) : new Map<string, ServiceUsage>(),
  ]);
  return { lines, usage };
}

type Extras = Awaited<ReturnType<typeof extrasOf>>;
type Lines = Awaited<ReturnType<typeof serviceLines>>;

const TROUBLED: readonly ServiceState[] = [ServiceState.SERVICE_STATE_BACKOFF, ServiceState.SERVICE_STATE_FAILED];

function statusTable(services: readonly Service[], context: Context, nowMs: number, { lines, usage }: Extras): Table {
  const wide = context.format === 'wide';
  const rows = services.map((service): Row => {
    const trouble = troubleWords(service, nowMs);
    return {
      cells: wide
        ? [...cells(service, nowMs), ...usageCells(usage.get(service.name)), ...wideCells(service, nowMs)]
        : cells(service, nowMs),
      notes: [
        ...(service.statusText === '' ? [] : [{ text: service.statusText, style: 'faint' } as const]),
        ...(trouble === '' ? [] : [{ text: trouble, style: 'bad' } as const]),
        ...(lines.get(service.name) ?? []).map((text) => ({ text: `| ${text}`, style: 'faint' }) as const),
      ],
    };
  });
  return {
    header: wide ? WIDE_COLUMNS : COLUMNS,
    rows,
    right: ['PID', 'RESTARTS', 'CPU', 'MEMORY', 'RUN'],
    ...(!wide && { varying: ['PID', 'UPTIME'] }),
  };
}

function cells(service: Service, nowMs: number): Cell[] {
  const running = service.pid !== 0;
  return [
    service.name,
    { text: stateOf(service), style: stateStyle(service) },
    running ? (service.ready ? 'yes' : 'no') : '-',
    running ? String(service.pid) : '-',
    running && service.startedAt !== undefined ? span(nowMs - service.startedAt.getTime()) : '-',
    String(service.restartsTotal),
    lastExitWords(service.lastExit, nowMs),
  ];
}

function wideCells(service: Service, nowMs: number): Cell[] {
  return [
    desiredName(service.desired),
    String(service.run),
    service.stateSince === undefined ? '-' : `${roughSpan(nowMs - service.stateSince.getTime())} ago`,
    causeWords(service),
  ];
}

/** Without "not ready", which has a column of its own. */
function stateOf(service: Service): string {
  return fullState({ ...service, ready: true });
}

async function explainNone(context: Context): Promise<void> {
  const { phase, serviceDirectory } = await context.ask(Init.getInfo, {});
  if (phase === Phase.PHASE_BOOTING) {
    context.note('no services yet: my_init runs the startup scripts, the services come after them');
    return;
  }
  context.note(`no services. The service directory is ${serviceDirectory}`);
  context.note(`to add one, put an executable program called run into ${serviceDirectory}/NAME; it is started at once`);
}
