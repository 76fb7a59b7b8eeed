/** The syntax of the patterns: the part of RE2 that `pattern.ts` names, as a tree. */

/** A pattern that is not one; the message says why and where. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** A set of characters, as ranges of code points. */
export type Ranges = readonly (readonly [from: number, to: number])[];

export type Tree =
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

/** Reads a pattern into its tree; throws a {@link PatternError}. */
export class Parser {
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
    while (this.#consume('|')) parts.push(this.#sequence());
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
    this.#consume('?');
    if ('*+?{'.includes(this.#peek() ?? ' ') && this.#counts() !== undefined)
      throw this.#error('repeats a repetition; a group says which is meant');
    return { kind: 'repeat', what, ...counts };
  }

  #counts(): { readonly min: number; readonly max: number } | undefined {
    if (this.#consume('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#consume('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#consume('?')) return { min: 0, max: 1 };
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
    if (this.#consume('?') && !this.#consume(':'))
      throw this.#error('(? is supported as (?:…), and as (?i) at the beginning');
    if (++this.#depth > MAX_DEPTH) throw this.#error('groups are nested too deeply');
    const tree = this.#either();
    if (!this.#consume(')')) throw this.#error('a group is not closed');
    this.#depth--;
    return tree;
  }

  #set(): Tree {
    const negated = this.#consume('^');
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

  #consume(character: string): boolean {
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
export function complement(ranges: Ranges): Ranges {
  const result: (readonly [number, number])[] = [];
  let next = 0;
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (from > next) result.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= LAST_CODE_POINT) result.push([next, LAST_CODE_POINT]);
  return result;
}
