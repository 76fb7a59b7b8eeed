import { type Pattern, parsePattern } from './pattern.js';

/** Says whether a pattern occurs in the bytes between two places of a buffer. */
export type Matcher = (buffer: Buffer, start: number, end: number) => boolean;

/**
 * The most transitions, of 4 bytes each, that a matcher remembers; then it forgets all and starts
 * over.
 */
const MAX_TRANSITIONS = 64 * 1024;

/**
 * A matcher that takes time in proportion to the text, whatever the pattern: it simulates the
 * pattern's graph, and remembers each set of the graph's states as one state of a table (a lazy
 * DFA, as in RE2 and grep).
 *
 * @throws PatternError
 */
export function matcherOf(text: string): Matcher {
  const automaton = new Automaton(parsePattern(text));
  return (buffer, start, end) => automaton.matches(buffer, start, end);
}

const UNKNOWN = 0;
/** The pattern has occurred: the rest does not matter. */
const MATCHED = 1;
const FIRST_STATE = 2;

/**
 * A set of nodes of the graph that wait for a byte, and whether the pattern has matched if the text
 * ends here.
 */
interface State {
  readonly nodes: readonly number[];
  readonly matchesAtEnd: boolean;
}

class Automaton {
  readonly #pattern: Pattern;
  /** The class of each byte: bytes that the pattern never tells apart share one. */
  readonly #classes: Uint8Array;
  readonly #representatives: readonly number[];
  readonly #maxStates: number;
  #states: State[] = [];
  #ids = new Map<string, number>();
  #table: Int32Array;
  #begin = UNKNOWN;

  constructor(pattern: Pattern) {
    this.#pattern = pattern;
    const { classes, representatives } = byteClasses(pattern);
    this.#classes = classes;
    this.#representatives = representatives;
    this.#maxStates = Math.max(16, Math.floor(MAX_TRANSITIONS / representatives.length));
    this.#table = new Int32Array(16 * representatives.length);
  }

  matches(buffer: Buffer, start: number, end: number): boolean {
    if (this.#begin === UNKNOWN) this.#begin = this.#idOf(this.#closure([], true));
    const classes = this.#classes;
    const width = this.#representatives.length;
    let state = this.#begin;
    for (let at = start; at < end && state !== MATCHED; at++) {
      const index = (state - FIRST_STATE) * width + (classes[buffer[at] as number] as number);
      const next = this.#table[index] as number;
      state = next === UNKNOWN ? this.#step(state, index) : next;
    }
    return state === MATCHED || this.#state(state).matchesAtEnd;
  }

  #state(id: number): State {
    return this.#states[id - FIRST_STATE] as State;
  }

  /** Works out a transition that was not taken before. */
  #step(id: number, index: number): number {
    const byte = this.#representatives[index % this.#representatives.length] as number;
    const reached: number[] = [];
    for (const number of this.#state(id).nodes) {
      const node = this.#pattern.nodes[number];
      if (node?.kind === 'bytes' && node.bytes[byte] === 1) reached.push(node.next);
    }
    const state = this.#closure(reached, false);
    if (state === undefined) {
      this.#table[index] = MATCHED;
      return MATCHED;
    }
    if (this.#states.length >= this.#maxStates) {
      this.#states = [];
      this.#ids.clear();
      this.#table.fill(UNKNOWN);
      this.#begin = UNKNOWN;
      return this.#idOf(state);
    }
    const next = this.#idOf(state);
    this.#table[index] = next;
    return next;
  }

  /**
   * The state reached without a byte, with a new attempt at the pattern; undefined when it has
   * matched.
   */
  #closure(from: readonly number[], atBegin: boolean): State | undefined {
    const waiting = this.#follow([...from, this.#pattern.start], atBegin, false);
    if (waiting === undefined) return undefined;
    return { nodes: waiting, matchesAtEnd: this.#follow([...from, this.#pattern.start], atBegin, true) === undefined };
  }

  /** The nodes that wait for a byte, sorted; undefined when a match is reached. */
  #follow(from: number[], atBegin: boolean, atEnd: boolean): number[] | undefined {
    const seen = new Set<number>();
    const waiting: number[] = [];
    for (let number = from.pop(); number !== undefined; number = from.pop()) {
      if (seen.has(number)) continue;
      seen.add(number);
      const node = this.#pattern.nodes[number];
      switch (node?.kind) {
        case 'bytes':
          waiting.push(number);
          break;
        case 'split':
          from.push(node.next, node.other);
          break;
        case 'begin':
          if (atBegin) from.push(node.next);
          break;
        case 'end':
          if (atEnd) from.push(node.next);
          break;
        case 'match':
          return undefined;
        case undefined:
          break;
        default:
          node satisfies never;
      }
    }
    return waiting.sort((a, b) => a - b);
  }

  #idOf(state: State | undefined): number {
    if (state === undefined) return MATCHED;
    const key = `${state.nodes.join()}${state.matchesAtEnd ? '$' : ''}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#states.push(state) - 1 + FIRST_STATE;
    this.#ids.set(key, id);
    const needed = this.#states.length * this.#representatives.length;
    if (needed > this.#table.length) {
      const grown = new Int32Array(this.#table.length * 2);
      grown.set(this.#table);
      this.#table = grown;
    }
    return id;
  }
}

/** Divides the 256 bytes into classes that no node tells apart. */
function byteClasses({ nodes }: Pattern) {
  const classes = new Uint8Array(256);
  const byKey = new Map<string, number>();
  const sets = [...new Set(nodes.flatMap((node) => (node.kind === 'bytes' ? [node.bytes] : [])))];
  const representatives: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const key = sets.map((set) => set[byte]).join('');
    const known = byKey.get(key);
    if (known === undefined) {
      byKey.set(key, representatives.length);
      classes[byte] = representatives.length;
      representatives.push(byte);
    } else classes[byte] = known;
  }
  return { classes, representatives };
}
