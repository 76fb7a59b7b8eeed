/**
 * The patterns of `grep`: a subset of RE2's syntax, parsed into a graph whose simulation takes time in proportion to the text
 * (Cox, "Regular Expression Matching Can Be Simple And Fast"). JavaScript's own engine backtracks: a client's pattern could
 * stop my_init for minutes.
 */

const MAX_PATTERN_LENGTH = 256;

/** Counted repetitions multiply: this many states are as much as a line may cost. */
const MAX_NODES = 2_000;

/** A pattern that is not one; the message says why and where. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** A state of the graph. `bytes` is what lets the matcher pass from it, 256 flags. */
export type Node =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; next: number }
  | { readonly kind: 'split'; next: number; other: number }
  | { readonly kind: 'begin' | 'end'; next: number }
  | { readonly kind: 'match' };

export interface Pattern {
  readonly nodes: readonly Node[];
  readonly start: number;
}

/** @throws PatternError */
export function parsePattern(text: string): Pattern {
  if (text.length > MAX_PATTERN_LENGTH) throw new PatternError(`is longer than ${MAX_PATTERN_LENGTH} characters`);
  const ignoreCase = text.startsWith('(?i)');
  const parser = new Parser(ignoreCase ? text.slice(4) : text);
  const graph = new Graph(ignoreCase);
  const tree = parser.parse();
  const match = graph.add({ kind: 'match' });
  const start = graph.build(tree, match);
  return { nodes: graph.nodes, start };
}

/** A set of characters, as ranges of code points. */
type Ranges = readonly (readonly [from: number, to: number])[];

type Tree =
  | { readonly kind: 'set'; readonly ranges: Ranges; readonly negated: boolean }
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'sequence' | 'either'; readonly parts: readonly Tree[] }
  | { readonly kind: 'repeat'; readonly what: Tree; readonly min: number; readonly max: number };

const DIGIT: Ranges = [[0x30, 0x39]];
const WORD: Ranges = [...DIGIT, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACE: Ranges = [
  [0x09, 0x0d],
  [0x20, 0x20],
];
const CLASSES: ReadonlyMap<string, Ranges> = new Map([
  ['d', DIGIT],
  ['w', WORD],
  ['s', SPACE],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
]);
const LAST_CODE_POINT = 0x10ffff;
const MAX_DEPTH = 50;

class Parser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#characters = [...text];
  }

  parse(): Tree {
    const tree = this.#either();
    if (this.#at < this.#characters.length) throw this.#error('closes a group that was not opened');
    return tree;
  }

  #either(): Tree {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return { kind: 'either', parts };
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek())
      parts.push(this.#repeated(this.#atom()));
    return { kind: 'sequence', parts };
  }

  #repeated(what: Tree): Tree {
    const counts = this.#counts();
    if (counts === undefined) return what;
    // Lazy or not is the same where only a match is asked for.
    this.#take('?');
    if ('*+?{'.includes(this.#peek() ?? ' ') && this.#counts() !== undefined)
      throw this.#error('repeats a repetition; a group says which is meant');
    return { kind: 'repeat', what, ...counts };
  }

  #counts(): { readonly min: number; readonly max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { min: 0, max: 1 };
    const [all, least, comma, most] =
      /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#characters.slice(this.#at, this.#at + 12).join('')) ?? [];
    if (all === undefined || least === undefined) return undefined;
    this.#at += all.length;
    const min = Number(least);
    const max = comma === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (max < min) throw this.#error(`${all} ends before it begins`);
    return { min, max };
  }

  #atom(): Tree {
    const character = this.#characters[this.#at++] ?? '';
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#set();
      case '.':
        return { kind: 'set', ranges: [], negated: true };
      case '^':
        return { kind: 'begin' };
      case '$':
        return { kind: 'end' };
      case '\\':
        return { kind: 'set', ...this.#escape() };
      case '*':
      case '+':
      case '?':
        throw this.#error(`${character} repeats nothing`);
      default:
        return literal(character);
    }
  }

  #group(): Tree {
    if (this.#take('?') && !this.#take(':'))
      throw this.#error('(? is supported as (?:…), and as (?i) at the beginning');
    if (++this.#depth > MAX_DEPTH) throw this.#error('groups are nested too deeply');
    const tree = this.#either();
    if (!this.#take(')')) throw this.#error('a group is not closed');
    this.#depth--;
    return tree;
  }

  #set(): Tree {
    const negated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#peek() === undefined) throw this.#error('[ is not closed');
      const from = this.#member();
      if (this.#peek() !== '-' || this.#characters[this.#at + 1] === ']') {
        ranges.push(...from);
        continue;
      }
      this.#at++;
      const [[low] = [0]] = from;
      const [[high] = [0]] = this.#member();
      if (high < low) throw this.#error('a range ends before it begins');
      ranges.push([low, high]);
    }
    this.#at++;
    return { kind: 'set', ranges, negated };
  }

  /** One character of a set, or a class in it. */
  #member(): Ranges {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw this.#error('[ is not closed');
    if (character === '[' && this.#peek() === ':') throw this.#error('[:name:] is not supported');
    if (character !== '\\') return single(character);
    const { ranges, negated } = this.#escape();
    return negated ? complement(ranges) : ranges;
  }

  #escape(): { readonly ranges: Ranges; readonly negated: boolean } {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw this.#error('ends with \\');
    const known = CLASSES.get(character.toLowerCase());
    if (known !== undefined) return { ranges: known, negated: character !== character.toLowerCase() };
    const control = CONTROLS.get(character);
    if (control !== undefined) return { ranges: [[control, control]], negated: false };
    if (character === 'x') return { ranges: this.#hex(), negated: false };
    if (/[0-9A-Za-z]/.test(character)) throw this.#error(`\\${character} is not supported`);
    return { ranges: single(character), negated: false };
  }

  #hex(): Ranges {
    const digits = this.#characters.slice(this.#at, this.#at + 2).join('');
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) throw this.#error('\\x needs two digits');
    this.#at += 2;
    const code = Number.parseInt(digits, 16);
    return [[code, code]];
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(character: string): boolean {
    if (this.#characters[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #error(why: string): PatternError {
    return new PatternError(`${why} (at character ${this.#at})`);
  }
}

const single = (character: string): Ranges => {
  const code = character.codePointAt(0) ?? 0;
  return [[code, code]];
};
const literal = (character: string): Tree => ({ kind: 'set', ranges: single(character), negated: false });

/** Everything that is not in the ranges. */
function complement(ranges: Ranges): Ranges {
  const result: (readonly [number, number])[] = [];
  let next = 0;
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (from > next) result.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= LAST_CODE_POINT) result.push([next, LAST_CODE_POINT]);
  return result;
}

/** Built from the end: each part is given what follows it. */
class Graph {
  readonly nodes: Node[] = [];
  readonly #ignoreCase: boolean;

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
  }

  add(node: Node): number {
    if (this.nodes.length >= MAX_NODES) throw new PatternError('is too large: it repeats too much');
    return this.nodes.push(node) - 1;
  }

  build(tree: Tree, next: number): number {
    switch (tree.kind) {
      case 'set':
        return this.#characters(
          tree.negated ? complement(this.#cased(tree.ranges)) : this.#cased(tree.ranges),
          tree.negated,
          next,
        );
      case 'begin':
      case 'end':
        return this.add({ kind: tree.kind, next });
      case 'sequence':
        return tree.parts.reduceRight((after, part) => this.build(part, after), next);
      case 'either':
        return this.#any(tree.parts.map((part) => this.build(part, next)));
      case 'repeat':
        return this.#repeat(tree.what, tree.min, tree.max, next);
      default:
        return tree satisfies never;
    }
  }

  #repeat(what: Tree, min: number, max: number, next: number): number {
    let start = next;
    if (max === Number.POSITIVE_INFINITY) {
      const loop: Node = { kind: 'split', next, other: next };
      start = this.add(loop);
      loop.other = this.build(what, start);
    } else {
      for (let count = min; count < max; count++)
        start = this.add({ kind: 'split', next, other: this.build(what, start) });
    }
    for (let count = 0; count < min; count++) start = this.build(what, start);
    return start;
  }

  /** The characters in UTF-8. A negated set also takes any byte that is no part of a character: logs are not always text. */
  #characters(ranges: Ranges, negated: boolean, next: number): number {
    const single = new Uint8Array(256);
    const starts: number[] = [];
    for (const [from, to] of ranges) {
      single.fill(1, Math.min(from, 0x80), Math.min(to + 1, 0x80));
      if (to < 0x80) continue;
      for (const sequence of utf8Ranges(Math.max(from, 0x80), to))
        starts.push(sequence.reduceRight((after, [low, high]) => this.#bytes(low, high, after), next));
    }
    if (negated) single.fill(1, 0x80);
    return this.#any([this.add({ kind: 'bytes', bytes: single, next }), ...starts]);
  }

  #bytes(low: number, high: number, next: number): number {
    const bytes = new Uint8Array(256).fill(1, low, high + 1);
    return this.add({ kind: 'bytes', bytes, next });
  }

  #any(starts: readonly number[]): number {
    return starts.reduceRight((other, start) => this.add({ kind: 'split', next: start, other }));
  }

  /** With the letters of the other case. */
  #cased(ranges: Ranges): Ranges {
    if (!this.#ignoreCase) return ranges;
    const shifted = (low: number, high: number, by: number): Ranges =>
      ranges
        .map(([from, to]) => [Math.max(from, low) + by, Math.min(to, high) + by] as const)
        .filter(([from, to]) => from <= to);
    return [...ranges, ...shifted(0x41, 0x5a, 0x20), ...shifted(0x61, 0x7a, -0x20)];
  }
}

type ByteRange = readonly [low: number, high: number];

/** A range of code points from 0x80 on as sequences of ranges of bytes. */
function utf8Ranges(from: number, to: number): ByteRange[][] {
  const sequences: ByteRange[][] = [];
  const split = (low: number, high: number): void => {
    for (const limit of [0x7ff, 0xffff]) {
      if (low <= limit && high > limit) {
        split(low, limit);
        split(limit + 1, high);
        return;
      }
    }
    // Ranges whose last bytes do not run over all 64 values are cut off at both ends.
    for (const bits of [6, 12, 18]) {
      const mask = (1 << bits) - 1;
      if (low >> bits === high >> bits) continue;
      if ((low & mask) !== 0) {
        split(low, low | mask);
        split((low | mask) + 1, high);
        return;
      }
      if ((high & mask) !== mask) {
        split(low, (high & ~mask) - 1);
        split(high & ~mask, high);
        return;
      }
    }
    const [lows, highs] = [utf8(low), utf8(high)];
    sequences.push(lows.map((byte, index) => [byte, highs[index] ?? byte] as const));
  };
  split(from, to);
  return sequences;
}

function utf8(code: number): number[] {
  const tail = (shift: number): number => 0x80 | ((code >> shift) & 0x3f);
  if (code < 0x800) return [0xc0 | (code >> 6), tail(0)];
  if (code < 0x10000) return [0xe0 | (code >> 12), tail(6), tail(0)];
  return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)];
}
