import type { LogLoss, Service, ServiceUsage } from '../typescript/src/index.js';
import type { Context } from './context.js';
import {
  causeWords,
  desiredName,
  fullState,
  holdWords,
  isInTrouble,
  lastExitWords,
  lossWords,
  oomWords,
  stateStyle,
  summaryWords,
  troubleWords,
} from './phrases.js';
import { serviceLines } from './service-lines.js';
import { serviceUsage, usageCells } from './service-usage.js';
import { roughSpan, span } from './text/duration.js';
import type { Column } from './text/fit.js';
import type { Cell, Heading, Note, Row, Table } from './text/table.js';

const COLUMNS: readonly Column[] = [
  { title: 'NAME', least: 24 },
  { title: 'STATE' },
  { title: 'READY', expendable: 1 },
  { title: 'PID', right: true, expendable: 4 },
  { title: 'UPTIME', expendable: 3 },
  { title: 'RESTARTS', right: true, expendable: 2 },
  { title: 'LAST EXIT', least: 16, expendable: 5 },
];

const WIDE_COLUMNS: readonly Column[] = [
  ...COLUMNS,
  { title: 'CPU', right: true, expendable: 6 },
  { title: 'MEMORY', right: true, expendable: 5 },
  { title: 'DESIRED', expendable: 7 },
  { title: 'STARTS', right: true, expendable: 10 },
  { title: 'ATTEMPTS', right: true, expendable: 11 },
  { title: 'SINCE', expendable: 9 },
  { title: 'CAUSE', least: 16, expendable: 8 },
];

/**
 * How many of the last lines stand under a service in trouble: among all services, and where more
 * is asked for.
 */
const FEW_LINES = 2;
const MORE_LINES = 5;

type Lines = Awaited<ReturnType<typeof serviceLines>>;
export interface Extras {
  readonly lines: Lines;
  /** Of the logs of these services. */
  readonly losses: readonly LogLoss[];
  readonly usage: ReadonlyMap<string, ServiceUsage>;
}

export const NO_EXTRAS: Extras = { lines: new Map(), losses: [], usage: new Map() };

/** Fetches the facts beside the services themselves; nothing where there are none. */
export async function extrasOf(
  services: readonly Service[],
  losses: readonly LogLoss[],
  context: Context,
): Promise<Extras> {
  const [lines, usage] = await Promise.all([
    linesOfTroubled(services, context),
    context.format === 'wide' ? serviceUsage(context) : new Map<string, ServiceUsage>(),
  ]);
  return { lines, losses, usage };
}

/** The last lines of the services in trouble. */
async function linesOfTroubled(services: readonly Service[], context: Context): Promise<Lines> {
  const isAskedFor = context.operands.length > 0 || context.format === 'wide' || context.has('failed');
  const names = services.filter(isInTrouble).map(({ name }) => name);
  return await serviceLines(context, names, { tail: isAskedFor ? MORE_LINES : FEW_LINES });
}

export function statusTable(services: readonly Service[], context: Context, nowMs: number, extras: Extras): Table {
  const wide = context.format === 'wide';
  const row = (service: Service): Row => ({
    cells: wide
      ? [...cells(service, nowMs), ...usageCells(extras.usage.get(service.name)), ...wideCells(service, nowMs)]
      : cells(service, nowMs),
    notes: notesOf(service, nowMs, extras),
  });
  const rows = context.has('by-tag') ? grouped(services, row) : services.map(row);
  return {
    header: wide ? WIDE_COLUMNS : COLUMNS,
    rows,
    summary: summaryWords(services),
    ...(!wide && { varying: ['PID', 'UPTIME'] }),
  };
}

function notesOf(service: Service, nowMs: number, { lines, losses }: Extras): readonly Note[] {
  const loss = losses.find(({ source }) => source === service.name);
  const trouble = troubleWords(service, nowMs);
  const oom = trouble === '' ? oomWords(service.lastExit) : '';
  return [
    ...(service.statusText === '' ? [] : [{ text: service.statusText, style: 'faint' } as const]),
    ...(service.hold === undefined ? [] : [{ text: holdWords(service.hold, nowMs), style: 'changing' } as const]),
    ...(trouble === '' ? [] : [{ text: trouble, style: isInTrouble(service) ? 'bad' : 'changing' } as const]),
    ...(oom === '' ? [] : [{ text: oom, style: 'changing' } as const]),
    ...(loss === undefined ? [] : [{ text: lossWords(loss), style: 'changing' } as const]),
    ...(lines.get(service.name) ?? []).map((text) => ({ text, style: 'faint', mark: '| ' }) as const),
  ];
}

/** A service with several tags is in the group of each. */
function grouped(services: readonly Service[], row: (service: Service) => Row): readonly (Row | Heading)[] {
  const tags = [...new Set(services.flatMap((service) => service.tags))].sort();
  const groups = [
    ...tags.map((tag) => [`@${tag}`, services.filter((service) => service.tags.includes(tag))] as const),
    ['without a tag', services.filter((service) => service.tags.length === 0)] as const,
  ];
  return groups.flatMap(([heading, members]) => (members.length === 0 ? [] : [{ heading }, ...members.map(row)]));
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
    String(service.startsTotal),
    String(service.run),
    service.stateSince === undefined ? '-' : `${roughSpan(nowMs - service.stateSince.getTime())} ago`,
    causeWords(service),
  ];
}

/** Without "not ready", which has a column of its own. */
function stateOf(service: Service): string {
  return fullState({ ...service, ready: true });
}
