/**
 * The forms that a value of a definition can have. Each reads a tree, gives its JSON schema and
 * names itself for people, so that parser, schema and documents cannot differ.
 */

import { DURATION, parseDuration } from '../../text/duration.js';
import { nearest } from '../../text/nearest-name.js';
import { parseSize, SIZE } from '../../text/size.js';
import type { Json, Node, NodeKind } from './node.js';
import { type Reading, UNKNOWN } from './reading.js';
import { splitCommand } from './split-command.js';

export type JsonSchema = { readonly [key: string]: Json };

export interface Shape<T> {
  /** The value, or undefined after a problem. `key` is the path, `ready.http.url`. */
  read(node: Node, key: string, reading: Reading): T | undefined;
  readonly schema: JsonSchema;
  /** A noun with its article: `a duration like 10s`. */
  readonly words: string;
  /** Kinds of nodes among which it has its own: how {@link either} chooses. */
  readonly kinds: readonly NodeKind[];
}

/** A variable may stand where a number or a word is wanted. */
const VARIABLE: JsonSchema = { type: 'string', pattern: '\\$\\{' };
const orVariable = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, VARIABLE] });

/** A scalar of which `parse` makes the value; undefined is a problem. */
function scalar<T>(words: string, schema: JsonSchema, parse: (text: string, node: Node) => T | undefined): Shape<T> {
  return {
    words,
    schema,
    kinds: ['scalar'],
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      if (node.kind !== 'scalar' || node.value === null) return reading.mistyped(key, node, words);
      const text = reading.text(node, key);
      if (text === undefined || text === UNKNOWN) return undefined;
      return parse(text, node) ?? reading.mistyped(key, node, words);
    },
  };
}

const NOT_EMPTY = /./s;

interface TextRule {
  readonly words?: string;
  readonly pattern?: RegExp;
}

/**
 * Text that is not empty. A number or a word like `true` must be in quotes, where it is no number
 * for YAML.
 */
export function text({ words = 'text', pattern = NOT_EMPTY }: TextRule = {}): Shape<string> {
  return {
    words,
    schema:
      pattern === NOT_EMPTY
        ? { type: 'string', minLength: 1 }
        : { type: 'string', pattern: `${pattern.source}|\\$\\{` },
    kinds: ['scalar'],
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      if (node.kind !== 'scalar' || node.value === null) return reading.mistyped(key, node, words);
      if (typeof node.value !== 'string')
        return reading.mistyped(
          key,
          node,
          words,
          pattern.test(node.source) ? `put it in quotes: "${node.source}"` : undefined,
        );
      const value = reading.text(node, key);
      // Offline, text that is not judged stands for itself.
      if (value === UNKNOWN) return pattern === NOT_EMPTY ? node.value : undefined;
      if (value === undefined) return undefined;
      if (value.includes('\0')) return reading.mistyped(key, node, 'text without NUL');
      return pattern.test(value) ? value : reading.mistyped(key, node, words);
    },
  };
}

/** Text where a number, true or false is as good: words of a command, values of variables. */
export function anyText(words = 'text'): Shape<string> {
  return {
    ...scalar(words, { type: ['string', 'number', 'boolean'] }, (value) => (value.includes('\0') ? undefined : value)),
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      if (node.kind !== 'scalar') return reading.mistyped(key, node, words);
      if (node.value === null) return reading.mistyped(key, node, words, 'write "" for an empty text');
      const value = reading.text(node, key);
      if (value === UNKNOWN) return node.source;
      return value?.includes('\0') ? reading.mistyped(key, node, 'text without NUL') : value;
    },
  };
}

/** Text, or a number, of which `parse` makes the value; undefined is a problem. */
export const parsed = <T>(words: string, parse: (text: string) => T | undefined): Shape<T> =>
  scalar(words, { type: ['string', 'number'] }, parse);

export function flag(words = 'true or false'): Shape<boolean> {
  return {
    words,
    schema: orVariable({ type: 'boolean' }),
    kinds: ['scalar'],
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      const value = node.kind === 'scalar' ? reading.scalar(node, key) : null;
      if (value === undefined || value === UNKNOWN) return undefined;
      return typeof value === 'boolean' ? value : reading.mistyped(key, node, words);
    },
  };
}

export function number(least: number, most: number, { whole = true } = {}): Shape<number> {
  const words = `${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`;
  return {
    words,
    schema: orVariable({ type: whole ? 'integer' : 'number', minimum: least, maximum: most }),
    kinds: ['scalar'],
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      const value = node.kind === 'scalar' ? reading.scalar(node, key) : null;
      if (value === undefined || value === UNKNOWN) return undefined;
      const fits = typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value));
      return fits ? value : reading.mistyped(key, node, words);
    },
  };
}

/** A timer of Node takes no more: 24.8 days. */
const MAX_DURATION_MS = 480 * 3_600_000;

export function duration(leastMs = 0): Shape<number> {
  const words = `a duration like 500ms, 10s, 2m or 1h`;
  const form = scalar(words, orVariable({ type: 'string', pattern: DURATION.source }), (value) => parseDuration(value));
  return {
    ...form,
    read(node, key, reading) {
      if (node.kind === 'scalar' && typeof node.value === 'number')
        return reading.mistyped(key, node, words, `add a unit: ${node.source}s`);
      const ms = form.read(node, key, reading);
      if (ms === undefined) return undefined;
      if (ms > MAX_DURATION_MS) return reading.mistyped(key, node, 'a duration of at most 480h');
      return ms >= leastMs ? ms : reading.mistyped(key, node, `a duration of at least ${leastMs}ms`);
    },
  };
}

export function size(): Shape<number> {
  return scalar(
    'a size like 65536, 64k, 512m or 1g',
    {
      anyOf: [
        { type: 'integer', minimum: 1, maximum: 999_999_999 },
        { type: 'string', pattern: `${SIZE.source}|\\$\\{` },
      ],
    },
    (value) => parseSize(value) || undefined,
  );
}

/** A word from a short list. `later`: words that this version does not know yet. */
export function choice<const T extends string>(of: readonly T[], later: readonly string[] = []): Shape<T> {
  const words = of.length === 1 ? String(of[0]) : `${of.slice(0, -1).join(', ')} or ${of.at(-1)}`;
  return {
    ...scalar(words, orVariable({ enum: of }), (value) => of.find((word) => word === value)),
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      const value = node.kind === 'scalar' && node.value !== null ? reading.text(node, key) : '';
      if (value === undefined || value === UNKNOWN) return undefined;
      if (later.includes(value)) return reading.notInThisVersion(`${key}: ${value}`, node.at, `use ${words}`);
      const chosen = of.find((word) => word === value);
      const near = nearest(value, of);
      return chosen ?? reading.mistyped(key, node, words, near && `did you mean ${near}?`);
    },
  };
}

/** A key with a single possible value: `notify: true`. */
export function constant<const T extends boolean>(value: T): Shape<T> {
  const form = flag(String(value));
  return {
    ...form,
    schema: { const: value },
    read(node, key, reading) {
      const read = form.read(node, key, reading);
      if (read === undefined) return undefined;
      return read === value ? value : reading.mistyped(key, node, String(value), `remove ${key}`);
    },
  };
}

export function list<T>(of: Shape<T>, { least = 0, words = 'a list' } = {}): Shape<readonly T[]> {
  return {
    words,
    schema: { type: 'array', items: of.schema, ...(least > 0 ? { minItems: least } : {}) },
    kinds: ['list'],
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      if (node.kind !== 'list')
        return reading.mistyped(
          key,
          node,
          words,
          node.kind === 'scalar' ? `write a list: ${asList(node.source)}` : undefined,
        );
      if (node.items.length < least)
        return reading.fail('wrong-value', key, node.at, `${key} is an empty list`, `write ${words}`);
      const before = reading.problems.length;
      const items: T[] = [];
      for (const [at, item] of node.items.entries()) {
        const value = of.read(item, `${key}[${at}]`, reading);
        if (value !== undefined) items.push(value);
      }
      return reading.problems.length === before ? items : undefined;
    },
  };
}

const PLAIN_WORD = /^[\w./@%+=:-]+$/;

/** The words of a text as a list: `[pg_isready, -q]`. */
function asList(text: string): string {
  const words = splitCommand(text) ?? [text];
  return `[${words.map((word) => (PLAIN_WORD.test(word) ? word : JSON.stringify(word))).join(', ')}]`;
}

/** A map with names of the reader's own, or with some of the known ones. */
export function table<T>(
  of: Shape<T>,
  names: { readonly pattern: RegExp; readonly words: string; readonly known?: readonly string[] },
): Shape<ReadonlyMap<string, T>> {
  const words = 'a map';
  return {
    words,
    schema: { type: 'object', patternProperties: { [names.pattern.source]: of.schema }, additionalProperties: false },
    kinds: ['map'],
    read(node, key, reading) {
      if (!reading.count(key, node)) return undefined;
      if (node.kind !== 'map') return reading.mistyped(key, node, words);
      const values = new Map<string, T>();
      const before = reading.problems.length;
      for (const entry of node.entries) {
        const path = `${key}.${entry.key}`;
        reading.from(path, entry.at);
        if (!names.pattern.test(entry.key)) {
          const near = nearest(entry.key, names.known ?? []);
          reading.fail(
            'wrong-value',
            path,
            entry.at,
            `${key}: ${JSON.stringify(entry.key)} is not ${names.words}`,
            near === undefined ? `write ${names.words}` : `did you mean ${near}?`,
          );
          continue;
        }
        const value = of.read(entry.value, path, reading);
        if (value !== undefined) values.set(entry.key, value);
      }
      return reading.problems.length === before ? values : undefined;
    },
  };
}

/**
 * A list can come in two forms: what a person writes in short, and in full. The kind of the node
 * says which.
 */
export function either<A, B>(a: Shape<A>, b: Shape<B>): Shape<A | B> {
  const words = `${a.words}, or ${b.words}`;
  return {
    words,
    schema: { anyOf: [a.schema, b.schema] },
    kinds: [...a.kinds, ...b.kinds],
    read(node, key, reading) {
      if (a.kinds.includes(node.kind)) return a.read(node, key, reading);
      return b.kinds.includes(node.kind) ? b.read(node, key, reading) : reading.mistyped(key, node, words);
    },
  };
}

/** The same form with another value. `to` may report a problem and answer undefined. */
export function mapped<A, B>(
  form: Shape<A>,
  to: (value: A, key: string, node: Node, reading: Reading) => B | undefined,
  words = form.words,
): Shape<B> {
  return {
    ...form,
    words,
    read(node, key, reading) {
      const value = form.read(node, key, reading);
      return value === undefined ? undefined : to(value, key, node, reading);
    },
  };
}
