import { nearest } from '../../text/nearest-name.js';
import type { Origin, Problem } from './definition.js';
import { expandVariables, type Variables } from './expand-variables.js';
import type { Node, Place, Scalar } from './node.js';

/** More values in one document come from aliases of aliases, not from people. */
const MAX_VALUES = 100_000;

/** The text of a scalar whose variables are not known: `my_init check` does not judge it. */
export const UNKNOWN = Symbol('a value that depends on the environment');

/**
 * The reading of one document, or of one service in it: where problems and origins are gathered.
 */
export class Reading {
  readonly problems: Problem[] = [];
  readonly origins = new Map<string, Origin>();
  #left = MAX_VALUES;

  constructor(
    readonly file: string,
    readonly variables: Variables,
    /** The service that is being read; undefined for what belongs to the file. */
    public service: string | undefined = undefined,
  ) {}

  fail(id: string, key: string, at: Place, message: string, remedy: string): undefined {
    this.problems.push({
      id,
      severity: 'error',
      service: this.service,
      key,
      origin: { file: this.file, line: at.line, column: at.column },
      message,
      remedy,
    });
    return undefined;
  }

  /**
   * A value of a wrong type or form. `wanted` is a noun with its article: `a duration like 10s`.
   */
  mistyped(key: string, node: Node, wanted: string, remedy = `write ${wanted}`): undefined {
    return this.fail('wrong-value', key, node.at, `${key} must be ${wanted}, not ${this.#shown(node)}`, remedy);
  }

  #shown(node: Node): string {
    if (node.kind !== 'scalar') return `a ${node.kind}`;
    if (node.value === null) return 'empty';
    if (typeof node.value !== 'string') return node.source;
    const expanded = expandVariables(node.value, this.variables);
    const written = JSON.stringify(cut(node.value));
    return expanded.kind === 'text' && expanded.text !== node.value
      ? `${written}, which is ${JSON.stringify(cut(expanded.text))}`
      : written;
  }

  unknownKey(key: string, at: Place, name: string, known: readonly string[], where: string): undefined {
    if (name === '<<')
      return this.fail(
        'unknown-key',
        key,
        at,
        `<< is YAML 1.1, my_init reads YAML 1.2`,
        'use defaults, or *NAME as the whole value',
      );
    const near = nearest(name, known);
    const remedy = near === undefined ? `it has ${known.join(', ')}, and x-… of your own` : `did you mean ${near}?`;
    return this.fail('unknown-key', key, at, `${where} has no key ${name}`, remedy);
  }

  notInThisVersion(key: string, at: Place, remedy: string): undefined {
    return this.fail('not-in-this-version', key, at, `${key} is not in this version of my_init`, remedy);
  }

  /** Remembers where a value was written. */
  from(key: string, at: Place): void {
    this.origins.set(key, { file: this.file, line: at.line, column: at.column });
  }

  /** Counts a value. Aliases make small files large; the rest of such a file is not read. */
  count(key: string, node: Node): boolean {
    if (this.#left-- === 0)
      this.fail(
        'too-many-values',
        key,
        node.at,
        `${this.file} has more than ${MAX_VALUES} values`,
        'use fewer aliases',
      );
    return this.#left >= 0;
  }

  /** The text of a scalar with its variables expanded; undefined after a problem. */
  text(node: Node & { readonly kind: 'scalar' }, key: string): string | typeof UNKNOWN | undefined {
    if (typeof node.value !== 'string') return node.source;
    const expanded = expandVariables(node.value, this.variables);
    if (expanded.kind === 'text') return expanded.text;
    if (expanded.kind === 'unknown') return UNKNOWN;
    return this.fail(expanded.id, key, node.at, `${key}: ${expanded.message}`, expanded.remedy);
  }

  /**
   * The value of a scalar: a plain one with variables is read again once they are expanded,
   * `${PORT}` is a number.
   */
  scalar(node: Node & { readonly kind: 'scalar' }, key: string): Scalar | typeof UNKNOWN | undefined {
    if (typeof node.value !== 'string' || !node.value.includes('$')) return node.value;
    const text = this.text(node, key);
    return typeof text === 'string' && node.plain ? coreScalar(text) : text;
  }
}

/** The core schema of YAML 1.2 for text that came from a variable. */
function coreScalar(text: string): Scalar {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[-+]?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
