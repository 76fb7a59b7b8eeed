import { fullState, lastExitWords, stateStyle, troubleWords } from '../../svctl/phrases.js';
import { usageCells } from '../../svctl/service-usage.js';
import { roughSpan } from '../../svctl/text/duration.js';
import type { Service } from '../../typescript/src/index.js';
import { sparkline } from './cells.js';
import { type Entry, usageOf } from './entries.js';
import type { Style } from './screen.js';

export interface Column {
  readonly title: string;
  readonly width: number;
  readonly right?: boolean;
  /** Too long a text is cut in the middle: names often differ at their ends alone. */
  readonly keepsEnds?: boolean;
  readonly text: (entry: Entry, nowMs: number) => string;
  readonly style?: (service: Service) => Style;
}

/** As many columns as a width has room for. */
export function columnsOf(
  width: number,
  entries: readonly Entry[],
  several: boolean,
  isMarked: (entry: Entry) => boolean,
): readonly Column[] {
  const wide = width >= 110;
  const longest = Math.max(8, ...entries.map(({ service }) => service.name.length));
  const columns: Column[] = [
    { title: ' ', width: 1, text: (entry) => (isMarked(entry) ? '*' : ' ') },
    {
      title: 'NAME',
      width: Math.min(longest, wide ? 32 : several ? 8 : 12),
      keepsEnds: true,
      text: ({ service }) => service.name,
    },
    { title: 'STATE', width: 9, text: ({ service }) => fullState({ ...service, ready: true }), style: styleOf },
    { title: 'READY', width: 5, text: ({ service }) => (service.pid === 0 ? '-' : service.ready ? 'yes' : 'no') },
    { title: 'UPTIME', width: 6, right: true, text: ({ service }, nowMs) => uptime(service, nowMs) },
    { title: 'RESTARTS', width: 8, right: true, text: ({ service }) => String(service.restartsTotal) },
    { title: 'CPU', width: 5, right: true, text: cpu },
    { title: 'MEMORY', width: 6, right: true, text: memory },
    { title: 'LAST EXIT', width: wide ? 18 : 12, text: ({ service }, nowMs) => lastExit(service, nowMs) },
  ];
  if (several) columns.splice(1, 0, { title: 'HOST', width: wide ? 24 : 10, text: ({ host }) => host.name });
  const left = (): number => width - columns.reduce((sum, column) => sum + column.width + 2, 0);
  if (!wide) {
    const name = columns.find(({ title }) => title === 'NAME');
    const grown = { width: Math.max(name?.width ?? 0, Math.min(longest, (name?.width ?? 0) + left() + 2)) };
    return columns.map((column) => (column === name ? { ...column, ...grown } : column));
  }
  const spark = width >= 140 ? 16 : 8;
  const used = ({ host, service }: Entry) => host.usage.of(service.name);
  const at = (title: string): number => columns.findIndex((column) => column.title === title) + 1;
  columns.splice(at('CPU'), 0, { title: '', width: spark, text: (entry) => sparkline(used(entry).cpus, spark, 0.1) });
  if (width >= 140)
    columns.splice(at('MEMORY'), 0, {
      title: '',
      width: spark,
      text: (entry) => sparkline(used(entry).memory, spark, 1),
    });
  const tags = ({ service }: Entry): string => service.tags.join(' ');
  if (entries.some((entry) => tags(entry) !== '') && left() >= 40)
    columns.push({ title: 'TAGS', width: 16, text: tags });
  if (left() >= 20)
    columns.push({
      title: 'WAITS FOR, TROUBLE',
      width: left(),
      text: ({ service }, nowMs) => troubleWords(service, nowMs),
    });
  return columns;
}

const cpu = (entry: Entry): string => usageCells(usageOf(entry))[0];
const memory = (entry: Entry): string => usageCells(usageOf(entry))[1];

function uptime({ pid, startedAt }: Service, nowMs: number): string {
  return pid === 0 || startedAt === undefined ? '-' : roughSpan(nowMs - startedAt.getTime());
}

function lastExit({ lastExit: exit }: Service, nowMs: number): string {
  return lastExitWords(exit, nowMs).replace(' (core dumped)', '+core');
}

export function styleOf(service: Service): Style {
  switch (stateStyle(service)) {
    case 'good':
      return { color: 'cyan' };
    case 'changing':
      return { color: 'yellow' };
    case 'bad':
      return { color: 'red', bold: true };
    default:
      return {};
  }
}
