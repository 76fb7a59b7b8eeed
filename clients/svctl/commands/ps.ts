import { Init, ListProcessesResponse, Process, ProcessRole } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { FORMATS, outputOption, timeoutOption } from '../options.js';
import { roleName } from '../phrases.js';
import { span } from '../text/duration.js';
import type { Column } from '../text/fit.js';
import { memory } from '../text/memory.js';
import type { Cell, Row, Table } from '../text/table.js';

export const ps: Command = {
  name: 'ps',
  summary: 'show the processes and their services',
  usage: '[SERVICE…]',
  operands: 'services',
  hosts: 'reads',
  description:
    'Shows the processes below my_init as a tree, each with its service; zombies are marked. With names, shows only the processes of these services. Command lines are not shown: they may hold secrets.',
  examples: ['svctl ps', 'svctl ps memcached', 'svctl ps -o name memcached'],
  options: [outputOption(FORMATS), timeoutOption('how long to wait for an answer')],
  run: showProcesses,
};

async function showProcesses(context: Context): Promise<ExitCode> {
  const response = await context.ask(Init.listProcesses, {});
  const { operands } = context;
  const processes =
    operands.length === 0 ? response.processes : response.processes.filter(({ service }) => operands.includes(service));
  await context.show({
    json: ListProcessesResponse.toJSON({ processes: [...processes] }),
    items: processes.map((process) => Process.toJSON(process)),
    names: processes.map(({ pid }) => String(pid)),
    table: () => processTable(processes, context, Date.now()),
  });
  const zombies = processes.filter(isZombie).length;
  if (zombies > 0 && context.format === 'table')
    context.note(`${zombies === 1 ? '1 zombie' : `${zombies} zombies`}, not reaped by the parent yet`);
  return ExitCode.ok;
}

const PID: Column = { title: 'PID', right: true };
const SERVICE: Column = { title: 'SERVICE', least: 16 };
/** The last width is that of the tree. */
const REST: readonly Column[] = [
  { title: 'STATE', expendable: 2 },
  { title: 'UPTIME', expendable: 4 },
  { title: 'CPU', right: true, expendable: 3 },
  { title: 'MEMORY', right: true, expendable: 1 },
  { title: 'PROCESS', least: 24 },
];
const COLUMNS: readonly Column[] = [PID, SERVICE, ...REST];
const WIDE_COLUMNS: readonly Column[] = [
  PID,
  { title: 'PPID', right: true, expendable: 6 },
  { title: 'SESSION', right: true, expendable: 7 },
  SERVICE,
  { title: 'ROLE', expendable: 5 },
  ...REST,
];

function processTable(processes: readonly Process[], context: Context, nowMs: number): Table {
  const wide = context.format === 'wide';
  const rows = tree(processes).map(({ process, branch }): Row => {
    const first: Cell[] = wide
      ? [
          String(process.pid),
          String(process.parentPid),
          String(process.session),
          process.service || '-',
          roleName(process.role),
        ]
      : [String(process.pid), process.service || '-'];
    return { cells: [...first, ...cells(process, branch, nowMs)] };
  });
  return { header: wide ? WIDE_COLUMNS : COLUMNS, rows };
}

function cells(process: Process, branch: string, nowMs: number): Cell[] {
  const zombie = isZombie(process);
  return [
    zombie ? { text: 'zombie', style: 'bad' } : stateWord(process.state),
    process.startedAt === undefined ? '-' : span(nowMs - process.startedAt.getTime()),
    cpu(process.cpuSeconds),
    zombie ? '-' : memory(process.residentBytes),
    branch + process.name,
  ];
}

interface Node {
  readonly process: Process;
  /** The lines that lead to it. */
  readonly branch: string;
}

/** Parents before their children; a process whose parent is not among them stands at the left. */
function tree(processes: readonly Process[]): Node[] {
  const pids = new Set(processes.map(({ pid }) => pid));
  const children = new Map<number, Process[]>();
  const roots: Process[] = [];
  for (const process of processes) {
    if (!pids.has(process.parentPid) || process.parentPid === process.pid) roots.push(process);
    else children.set(process.parentPid, [...(children.get(process.parentPid) ?? []), process]);
  }
  const nodes: Node[] = [];
  const add = (process: Process, own: string, below: string): void => {
    nodes.push({ process, branch: own });
    const ownChildren = children.get(process.pid) ?? [];
    ownChildren.forEach((child, index) => {
      const last = index === ownChildren.length - 1;
      add(child, below + (last ? '└─ ' : '├─ '), below + (last ? '   ' : '│  '));
    });
  };
  for (const root of roots) add(root, '', '');
  return nodes;
}

function isZombie({ state, role }: Process): boolean {
  return state === 'Z' || role === ProcessRole.PROCESS_ROLE_ZOMBIE;
}

/** The kernel's letters, proc_pid_stat(5). */
function stateWord(letter: string): string {
  return STATE_WORDS[letter] ?? letter;
}

const STATE_WORDS: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'disk wait',
  T: 'stopped',
  t: 'traced',
  I: 'idle',
  X: 'dead',
};

function cpu(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)}s` : span(seconds * 1000);
}
