/**
 * The patterns of `grep`: a subset of RE2's syntax, parsed into a graph whose simulation takes time
 * in proportion to the text (Cox, "Regular Expression Matching Can Be Simple And Fast").
 * JavaScript's own engine backtracks: a client's pattern could stop my_init for minutes.
 */

import { complement, Parser, PatternError, type Ranges, type Tree } from './syntax.js';
import { utf8Ranges } from './utf8-ranges.js';

const MAX_PATTERN_LENGTH = 256;

/** Counted repetitions multiply: this many states are as much as a line may cost. */
const MAX_NODES = 2_000;

/**
 * A state of the graph. `bytes` has a flag for each of the 256 bytes: those that lead on to the
 * next state.
 */
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

/** Built from the end: each part gets its successor. */
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

  /**
   * The characters in UTF-8. A negated set also takes any byte that is no part of a character: logs
   * are not always text.
   */
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
