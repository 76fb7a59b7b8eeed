import type { Definition } from './definition.js';
import type { KeptDefinition } from './kept-definitions.js';
import { SERVICE } from './keys.js';
import { type Json, nodeOf } from './node.js';
import { Reading } from './reading.js';
import { type Given, withValues } from './with-values.js';

/**
 * The definition that a controller, perhaps of another version, has kept: each key that this
 * version does not know, or whose value it does not understand, is left out.
 */
export function readKept({ values, origins }: KeptDefinition, base: Definition): Definition {
  const reading = new Reading('', () => undefined, base.name);
  let given: Given = {};
  for (const [name, value] of Object.entries(values))
    given = { ...given, ...SERVICE.readGiven(nodeOf(asWritten({ [name]: value })), '', reading) };
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
