import { ExitCode } from '../exit-code.js';
import type { Terminal } from '../terminal.js';
import type { Column } from '../text/fit.js';
import type { Cell, Note, Row, Table } from '../text/table.js';
import type { HostAnswer, Piece } from './host-context.js';
import { groupLabel } from './labels.js';

/**
 * Shows the answers of several hosts as one: equal parts appear once, with the names of their
 * hosts.
 */
export function showAnswers(answers: readonly HostAnswer[], terminal: Terminal): void {
  switch (terminal.format) {
    case 'json':
      terminal.json(answers.flatMap(jsonAnswers));
      break;
    case 'jsonl':
      for (const answer of answers) for (const value of jsonAnswers(answer)) terminal.json(flat(value));
      break;
    case 'table':
    case 'wide':
    case 'name':
    case 'svg':
      showTables(answers, terminal);
      showTexts(answers, terminal);
      break;
    default:
      terminal.format satisfies never;
  }
  showNotes(answers, terminal);
}

/**
 * The code of all if they agree, else that something failed. A host that did not answer is a
 * failure.
 */
export function commonCode(answers: readonly Pick<HostAnswer, 'code'>[]): ExitCode {
  const codes = new Set(answers.map(({ code }) => code));
  const [code = ExitCode.ok] = codes;
  return codes.size > 1 ? ExitCode.failed : code;
}

interface JsonAnswer {
  readonly host: string;
  readonly answer?: unknown;
  readonly error?: string;
}

function jsonAnswers({ host, pieces, problem }: HostAnswer): JsonAnswer[] {
  const values = pieces.flatMap((piece) => (piece.kind === 'json' ? [{ host: host.name, answer: piece.value }] : []));
  return problem === undefined ? values : [...values, { host: host.name, error: problem.message }];
}

/** A line for each thing: the host stands beside its keys. */
export function flat({ host, answer, error }: JsonAnswer): object {
  return error === undefined ? { host, ...(answer as object) } : { host, error };
}

// --- Tables

interface Group {
  cells: readonly Cell[];
  readonly notes: readonly Note[];
  readonly hosts: string[];
}

function showTables(answers: readonly HostAnswer[], terminal: Terminal): void {
  const tables = answers.flatMap(({ host, pieces }) => tablesOf(pieces).map((table) => ({ host, table })));
  const first = tables[0]?.table;
  if (first === undefined) return;
  const folds = first.varying !== undefined;
  const varying = new Set(first.varying?.map((title) => first.header.findIndex((column) => titleOf(column) === title)));
  const groups = new Map<string, Group>();
  for (const { host, table } of tables) {
    for (const [at, row] of table.rows.entries()) {
      // A heading is of one host alone.
      if ('heading' in row) continue;
      const { cells, notes = [] } = row;
      const decisive = cells.filter((_cell, column) => !varying.has(column));
      const own = folds ? '' : [host.name, at];
      const key = JSON.stringify([[...decisive, ...notes].map((cell) => withoutSpans(textOf(cell))), own]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { cells, notes, hosts: [host.label] });
      else if (!group.hosts.includes(host.label)) {
        group.hosts.push(host.label);
        group.cells = group.cells.map((cell, column) => common(cell, cells[column] ?? ''));
      }
    }
  }
  const rows = [...groups.values()].map(
    ({ cells, notes, hosts }): Row => ({ cells: [groupLabel(hosts, answers.length), ...cells], notes }),
  );
  const merged = { header: ['HOST', ...first.header], rows: folds ? byName(rows) : rows };
  terminal.printTable(merged);
}

const tablesOf = (pieces: readonly Piece[]): Table[] =>
  pieces.flatMap((piece) => (piece.kind === 'table' ? [piece.table] : []));

/** How long something has lasted differs from host to host, and means nothing. */
const withoutSpans = (text: string): string => text.replace(/\d+(\.\d+)?(ms|s|m|h|d)\b( \d+(ms|s|m|h)\b)*/g, '…');

/** The part that two cells have in common. */
function common(cell: Cell, other: Cell): Cell {
  const [text, otherText] = [textOf(cell), textOf(other)];
  if (text === otherText) return cell;
  const shared = withoutSpans(text) === withoutSpans(otherText) ? withoutSpans(text) : '…';
  return typeof cell === 'string' ? shared : { ...cell, text: shared };
}

/** Rows of the same service stand together, in the order of the first host that has it. */
function byName(rows: readonly Row[]): readonly Row[] {
  const order = new Map<string, Row[]>();
  for (const row of rows) {
    const name = textOf(row.cells[1] ?? '');
    const same = order.get(name);
    if (same === undefined) order.set(name, [row]);
    else same.push(row);
  }
  return [...order.values()].flat();
}

const titleOf = (column: string | Column): string => (typeof column === 'string' ? column : column.title);

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

// --- Text

/** Each line with its hosts before it. */
function showTexts(answers: readonly HostAnswer[], terminal: Terminal): void {
  const groups = grouped(answers, ({ pieces }) =>
    pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join(''),
  );
  const labels = [...groups.values()].map((hosts) => groupLabel(hosts, answers.length));
  const width = Math.max(0, ...labels.map((label) => label.length));
  for (const [at, text] of [...groups.keys()].entries()) terminal.print(prefixed(text, labels[at] ?? '', width));
}

/** The text with a label before each line, in a column of this width. */
export function prefixed(text: string, label: string, width: number): string {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => `${label.padEnd(width)}  ${line}`.trimEnd().concat('\n')).join('');
}

function grouped(
  answers: readonly HostAnswer[],
  textOf: (answer: HostAnswer) => string,
): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const answer of answers) {
    const text = textOf(answer);
    if (text === '') continue;
    groups.set(text, [...(groups.get(text) ?? []), answer.host.label]);
  }
  return groups;
}

// --- Standard error

/** Stands for the name of a host, where messages are compared. */
const NAME = '\0';

/** A note of svctl with the host that it is about. */
export function ofHost(note: string, label: string): string {
  return note.replace(/^svctl: /gm, `svctl: ${label}: `);
}

function showNotes(answers: readonly HostAnswer[], terminal: Terminal): void {
  for (const [text, hosts] of grouped(answers, ({ notes }) => notes.join(''))) {
    terminal.tell(ofHost(text, groupLabel(hosts, answers.length)));
  }
  // One line for each host: with fifty hosts, advice would hide the errors.
  const problems = grouped(answers, ({ host, problem }) => problem?.message.replaceAll(host.name, NAME) ?? '');
  for (const [message, hosts] of problems) {
    const names = answers.filter(({ host }) => hosts.includes(host.label)).map(({ host }) => host.name);
    const [name = '', ...others] = names;
    if (others.length > 0)
      terminal.note(`${groupLabel(hosts, answers.length)}: ${message.replaceAll(NAME, 'the host')}`);
    else terminal.note(message.includes(NAME) ? message.replaceAll(NAME, name) : `${name}: ${message}`);
  }
}
