import type { Definition } from './definition.js';
import type { KeptDefinition } from './kept-definitions.js';
import { SERVICE } from './keys.js';
import { type Json, nodeOf } from './node.js';
import { Reading } from './reading.js';
import type { Key } from './record-shape.js';
import { withValues } from './with-values.js';

/**
 * The definition that a controller, perhaps of another version, has kept: what this version does
 * not know is left out.
 */
export function readKept({ values, origins }: KeptDefinition, base: Definition): Definition {
  const keys = new Map(Object.entries<Key<unknown>>(SERVICE.keys));
  const known = Object.entries(values).filter(([name]) => keys.get(name)?.later === undefined && keys.has(name));
  const reading = new Reading('', () => undefined, base.name);
  const given = SERVICE.readGiven(nodeOf(asWritten(Object.fromEntries(known))), '', reading) ?? {};
  return { ...withValues(base, given, new Map()), origins };
}

/** Variables were expanded when it was read from its file. */
function asWritten(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(asWritten);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asWritten(item)]));
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
