/**
 * A document as a tree: the common part of YAML and JSON, with places and without any type of a
 * parser.
 */

/** Both from 1; 0 where a file as a whole is meant. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type Scalar = string | number | boolean | null;

export type Node =
  | {
      readonly kind: 'scalar';
      readonly value: Scalar;
      /**
       * As written: `0.10` and `022` are numbers, and these digits are all that is left of them.
       */
      readonly source: string;
      /** Neither quoted nor a block: `8080` is a number. */
      readonly plain: boolean;
      readonly at: Place;
    }
  | { readonly kind: 'list'; readonly items: readonly Node[]; readonly at: Place }
  | { readonly kind: 'map'; readonly entries: readonly Entry[]; readonly at: Place };

export interface Entry {
  readonly key: string;
  readonly at: Place;
  readonly value: Node;
}

export type NodeKind = Node['kind'];

/** Plain data, as in JSON. */
export type Json = Scalar | readonly Json[] | { readonly [key: string]: Json };

const NOWHERE: Place = { line: 0, column: 0 };

/** The tree of plain data, without places. */
export function nodeOf(value: Json): Node {
  if (typeof value !== 'object' || value === null)
    return { kind: 'scalar', value, source: String(value), plain: typeof value !== 'string', at: NOWHERE };
  if (isList(value)) return { kind: 'list', items: value.map(nodeOf), at: NOWHERE };
  const entries = Object.entries(value).map(([key, item]) => ({ key, at: NOWHERE, value: nodeOf(item) }));
  return { kind: 'map', entries, at: NOWHERE };
}

/** Array.isArray does not narrow readonly arrays. */
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
