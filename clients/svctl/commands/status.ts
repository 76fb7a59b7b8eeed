import { InitService, Phase } from '../../../gen/my_init/v1/init.js';
import { Service, ServiceState } from '../../../gen/my_init/v1/service.js';
import { ListResponse, ServicesService } from '../../../gen/my_init/v1/services.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { lastLines } from '../last-lines.js';
import { FORMATS, outputOption, timeoutOption } from '../options.js';
import { selectorOf } from '../selector.js';
import { roughSpan, span } from '../text/duration.js';
import { type Cell, type Row, table } from '../text/table.js';
import { causeWords, desiredName, fullState, lastExitWords, stateStyle, troubleWords } from '../words.js';

export const status: Command = {
  name: 'status',
  summary: 'show the services (the default)',
  usage: '[NAME…]',
  operands: 'services',
  description:
    'Shows the state of all services, or of those named; NAME may be a pattern like "web-*". Under a service that is in trouble stands why, and when it is tried again; with names or -o wide also the last lines that it said. With names the exit code is 3 unless every one of them has a process.',
  examples: ['svctl', "svctl status 'web-*' -o wide", 'svctl status -o json | jq -r ".services[].pid"'],
  options: [outputOption(FORMATS), timeoutOption('how long to wait for an answer')],
  run: showStatus,
};

async function showStatus(context: Context): Promise<ExitCode> {
  const response = await context.ask(ServicesService.list, { selector: selectorOf(context.operands) });
  const { services } = response;
  switch (context.format) {
    case 'json':
      context.json(ListResponse.toJSON(response));
      break;
    case 'jsonl':
      for (const service of services) context.json(Service.toJSON(service));
      break;
    case 'name':
      for (const { name } of services) context.line(name);
      break;
    case 'table':
    case 'wide':
      if (services.length === 0) await explainNone(context);
      else context.print(statusTable(services, context, Date.now(), await linesOfTroubled(services, context)));
      break;
    default:
      context.format satisfies never;
  }
  const notRunning = context.operands.length > 0 && services.some((service) => service.pid === 0);
  return notRunning ? ExitCode.notRunning : ExitCode.ok;
}

const COLUMNS = ['NAME', 'STATE', 'READY', 'PID', 'UPTIME', 'RESTARTS', 'LAST EXIT'];
const WIDE_COLUMNS = [...COLUMNS, 'DESIRED', 'RUN', 'SINCE', 'CAUSE'];

/** The last lines of those in trouble, when it is asked for them by name or for all that is known. */
async function linesOfTroubled(services: readonly Service[], context: Context): Promise<Lines> {
  if (context.operands.length === 0 && context.format !== 'wide') return new Map();
  const troubled = services.filter(({ state }) => TROUBLED.includes(state));
  return lastLines(
    context,
    troubled.map(({ name }) => name),
  );
}

type Lines = Awaited<ReturnType<typeof lastLines>>;

const TROUBLED: readonly ServiceState[] = [ServiceState.SERVICE_STATE_BACKOFF, ServiceState.SERVICE_STATE_FAILED];

function statusTable(services: readonly Service[], context: Context, nowMs: number, lines: Lines): string {
  const wide = context.format === 'wide';
  const rows = services.map((service): Row => {
    const trouble = troubleWords(service, nowMs);
    return {
      cells: wide ? [...cells(service, nowMs), ...wideCells(service, nowMs)] : cells(service, nowMs),
      notes: [
        ...(trouble === '' ? [] : [{ text: trouble, style: 'bad' } as const]),
        ...(lines.get(service.name) ?? []).map((text) => ({ text: `| ${text}`, style: 'faint' }) as const),
      ],
    };
  });
  return table(wide ? WIDE_COLUMNS : COLUMNS, rows, context.paint, ['PID', 'RESTARTS', 'RUN']);
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
  const { phase, serviceDirectory } = await context.ask(InitService.getInfo, {});
  if (phase === Phase.PHASE_BOOTING) {
    context.note('no services yet: my_init runs the startup scripts, the services come after them');
    return;
  }
  context.note(`no services. The service directory is ${serviceDirectory}`);
  context.note(`to add one, put an executable program called run into ${serviceDirectory}/NAME; it is started at once`);
}
