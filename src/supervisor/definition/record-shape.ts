/** A map with keys of ours: the rules of its keys, its values, and its JSON schema. */

import { type Json, type Node, nodeOf } from './node.js';
import { Reading } from './reading.js';
import type { JsonSchema, Shape } from './shapes.js';

/** A key of a {@link record}. */
export interface Key<T> {
  readonly shape: Shape<T>;
  /** A sentence or two, for the reference page and the schema. */
  readonly about: string;
  /** The value where the key is left out, as it would be written. */
  readonly default?: Json;
  /** The default in words, where it is no value. */
  readonly otherwise?: string;
  readonly required?: true;
  /** Written in the specification, and refused until it works. */
  readonly later?: true;
  /** For one service alone: not in `defaults`. */
  readonly own?: true;
  readonly example?: string;
}

/** Infers the type of the value and keeps what is said about the key. */
export function key<T, const R extends Omit<Key<T>, 'shape' | 'about'>>(
  shape: Shape<T>,
  about: string,
  rest: R,
): Pick<Key<T>, 'shape' | 'about'> & R {
  return { shape, about, ...rest };
}

export type Keys = Readonly<Record<string, Key<unknown>>>;

/** The values of a record: a key with a default, or a required one, is there. */
export type Values<K extends Keys> = {
  readonly [N in keyof K]: K[N] extends Key<infer T>
    ? K[N] extends { readonly default: Json } | { readonly required: true }
      ? T
      : T | undefined
    : never;
};

/** Yours, and ignored: a place for anchors. */
const OWN_KEY = /^x-/;

export interface RecordShape<K extends Keys> extends Shape<Values<K>> {
  readonly keys: K;
  /** Reads values over others that hold where the node is silent. */
  readOver(base: Partial<Values<K>>, node: Node, key: string, reading: Reading): Values<K> | undefined;
  /** The values that the node itself gives; nothing is filled in. */
  readGiven(node: Node, key: string, reading: Reading): Partial<Values<K>> | undefined;
}

/** A map with keys of ours. `where` begins the sentence "… has no key X". */
export function record<const K extends Keys>(keys: K, where: string): RecordShape<K> {
  const known = Object.keys(keys).filter((name) => keys[name]?.later !== true);
  const words = 'a map';

  const readGiven = (node: Node, path: string, reading: Reading): Partial<Values<K>> | undefined => {
    if (!reading.count(path, node)) return undefined;
    if (node.kind !== 'map')
      return reading.mistyped(path || 'a service', node, `a map with keys such as ${known.slice(0, 4).join(', ')}`);
    const before = reading.problems.length;
    const values: { [name: string]: unknown } = {};
    for (const { key: name, at, value } of node.entries) {
      if (OWN_KEY.test(name)) continue;
      const key = pathOf(path, name);
      const rule = Object.hasOwn(keys, name) ? keys[name] : undefined;
      if (rule === undefined) reading.unknownKey(key, at, name, known, where);
      else if (rule.later) reading.notInThisVersion(key, at, 'remove it');
      else {
        reading.from(key, at);
        const read = rule.shape.read(value, key, reading);
        if (read !== undefined) values[name] = read;
      }
    }
    return reading.problems.length === before ? (values as Partial<Values<K>>) : undefined;
  };

  const fill = (given: Partial<Values<K>>, node: Node, path: string, reading: Reading): Values<K> | undefined => {
    const before = reading.problems.length;
    const values: { [name: string]: unknown } = { ...given };
    const isWritten = (name: string): boolean => node.kind === 'map' && node.entries.some(({ key }) => key === name);
    let whole = true;
    for (const [name, rule] of Object.entries(keys)) {
      if (values[name] !== undefined) continue;
      if (rule.default !== undefined) values[name] = defaultOf(rule);
      else if (rule.required) {
        whole = false;
        if (isWritten(name)) continue;
        const remedy = `add ${name}: ${rule.shape.words}`;
        reading.fail('missing-key', pathOf(path, name), node.at, `${path || where} has no ${name}`, remedy);
      }
    }
    return whole && reading.problems.length === before ? (values as Values<K>) : undefined;
  };

  const readOver: RecordShape<K>['readOver'] = (base, node, path, reading) => {
    const given = readGiven(node, path, reading);
    return given && fill({ ...base, ...given }, node, path, reading);
  };

  return {
    keys,
    words,
    schema: recordSchema(keys),
    kinds: ['map'],
    readGiven,
    readOver,
    read: (node, path, reading) => readOver({}, node, path, reading),
  };
}

const pathOf = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

const defaults = new WeakMap<Key<unknown>, unknown>();

function defaultOf(rule: Key<unknown>): unknown {
  if (!defaults.has(rule))
    defaults.set(rule, rule.shape.read(nodeOf(rule.default ?? null), '', new Reading('', () => undefined)));
  return defaults.get(rule);
}

export function recordSchema(keys: Keys, only: (rule: Key<unknown>) => boolean = () => true): JsonSchema {
  const inForce = Object.entries(keys).filter(([, rule]) => !rule.later && only(rule));
  const required = inForce.filter(([, rule]) => rule.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(
      inForce.map(([name, { about, shape, default: value }]) => [
        name,
        { description: about, ...shape.schema, ...(value === undefined ? {} : { default: value }) },
      ]),
    ),
    patternProperties: { [OWN_KEY.source]: {} },
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
  };
}
