import { crc32 } from '../../state/crc32.js';
import { fieldsOf, numberOf, textOf } from '../../state/fields.js';
import type { RecordKind, RecordTable } from '../../state/records.js';
import type { ServiceName } from '../../types/service.js';
import type { Definition, Origin } from './definition.js';
import { type EnvironmentFile, readEnvironmentFiles } from './environment.js';
import type { Json } from './node.js';
import { showDefinition } from './show-definition.js';

/** A record holds 4 KiB, and this becomes longer by a third. */
const PART_BYTES = 2_600;

/** A definition as it was when the service started, in the words of service.yaml. */
export interface KeptDefinition {
  readonly values: Readonly<Record<string, Json>>;
  readonly origins: ReadonlyMap<string, Origin>;
  /** Tells the content of its `env_file`s then from any other. */
  readonly environment: number;
}

/** A piece of a kept definition: `NAME#0`, `NAME#1` … */
interface Part {
  readonly base64: string;
  readonly parts: number;
  /** Of the whole: pieces of two definitions do not go together. */
  readonly checksum: number;
}

export const DEFINITION_RECORD: RecordKind<Part> = {
  key: 'definition',
  decode: (value) => {
    const { base64, parts, checksum } = fieldsOf(value);
    const text = textOf(base64);
    return text === undefined
      ? undefined
      : { base64: text, parts: numberOf(parts) ?? 0, checksum: numberOf(checksum) ?? 0 };
  },
};

/**
 * The definitions that running services were started with, for the next controller: the files may
 * have changed by then.
 */
export class KeptDefinitions {
  readonly #table: RecordTable<Part>;
  /** As an earlier controller left them. */
  readonly #left = new Map<ServiceName, KeptDefinition>();
  readonly #parts = new Map<ServiceName, number>();
  readonly #checksums = new Map<ServiceName, number>();
  readonly #environments = new Map<ServiceName, number>();

  constructor(table: RecordTable<Part>) {
    this.#table = table;
    for (const key of table.saved.keys()) {
      const name = key.slice(0, key.lastIndexOf('#')) as ServiceName;
      this.#parts.set(name, (this.#parts.get(name) ?? 0) + 1);
    }
    for (const name of this.#parts.keys()) {
      const kept = this.#restore(name);
      if (kept === undefined) continue;
      this.#left.set(name, kept);
      this.#environments.set(name, kept.environment);
    }
  }

  /**
   * The definition that a service of an earlier controller was started with; undefined once that
   * does not matter any more.
   */
  leftBy(name: ServiceName): KeptDefinition | undefined {
    return this.#left.get(name);
  }

  /** The definitions of services that run and were started by an earlier controller. */
  running(isRunning: (name: ServiceName) => boolean): readonly (KeptDefinition & { readonly name: ServiceName })[] {
    return [...this.#left].filter(([name]) => isRunning(name)).map(([name, kept]) => ({ ...kept, name }));
  }

  /** Call when the files are in force from now on. */
  drop(name: ServiceName): void {
    this.#left.delete(name);
  }

  /**
   * Keeps the definition and files of variables with which a service starts. `files` undefined: the
   * running service takes the definition over.
   */
  put(definition: Definition, files: readonly EnvironmentFile[] | undefined): void {
    const { name } = definition;
    this.drop(name);
    if (files !== undefined || !this.#environments.has(name))
      this.#environments.set(name, checksumOf(files ?? readEnvironmentFiles(definition)));
    const bytes = Buffer.from(this.#encode(definition));
    const checksum = crc32(bytes);
    if (this.#checksums.get(name) === checksum) return;
    const parts = Math.ceil(bytes.length / PART_BYTES);
    for (let part = 0; part < parts; part++) {
      const base64 = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES).toString('base64');
      this.#table.put(`${name}#${part}`, { base64, parts, checksum });
    }
    this.#eraseFrom(name, parts);
    this.#parts.set(name, parts);
    this.#checksums.set(name, checksum);
  }

  /**
   * Whether files of variables have another content than when the service was started with them.
   */
  hasOtherEnvironment(definition: Definition): boolean {
    const before = this.#environments.get(definition.name);
    return before !== undefined && before !== checksumOf(readEnvironmentFiles(definition));
  }

  erase(name: ServiceName): void {
    this.drop(name);
    this.#eraseFrom(name, 0);
    for (const known of [this.#parts, this.#checksums, this.#environments]) known.delete(name);
  }

  #eraseFrom(name: ServiceName, first: number): void {
    for (let part = first; part < (this.#parts.get(name) ?? 0); part++) this.#table.erase(`${name}#${part}`);
  }

  #encode(definition: Definition): string {
    return JSON.stringify({
      values: Object.fromEntries(showDefinition(definition)),
      origins: [...definition.origins].map(([key, { file, line, column }]) => [key, file, line, column]),
      environment: this.#environments.get(definition.name),
    });
  }

  #restore(name: ServiceName): KeptDefinition | undefined {
    const pieces = Array.from({ length: this.#parts.get(name) ?? 0 }, (_, part) =>
      this.#table.saved.get(`${name}#${part}`),
    );
    const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece?.base64 ?? '', 'base64')));
    if (pieces[0]?.parts !== pieces.length || pieces[0].checksum !== crc32(bytes)) return undefined;
    this.#checksums.set(name, crc32(bytes));
    const { values, origins, environment } = fieldsOf(JSON.parse(bytes.toString('utf8')));
    return {
      values: fieldsOf(values) as KeptDefinition['values'],
      origins: new Map(Array.isArray(origins) ? origins.map(readOrigin) : []),
      environment: numberOf(environment) ?? 0,
    };
  }
}

function readOrigin(value: unknown): [string, Origin] {
  const [key, file, line, column] = Array.isArray(value) ? value : [];
  return [textOf(key) ?? '', { file: textOf(file) ?? '', line: numberOf(line) ?? 0, column: numberOf(column) ?? 0 }];
}

/** 0 without files, because they are read at each start anyway. */
function checksumOf(files: readonly EnvironmentFile[]): number {
  if (files.length === 0) return 0;
  return crc32(
    Buffer.concat(
      files.map(({ path, content }) =>
        typeof content === 'string'
          ? Buffer.from(`${path}: ${content}\n`)
          : Buffer.concat([Buffer.from(`${path}\n`), content]),
      ),
    ),
  );
}
