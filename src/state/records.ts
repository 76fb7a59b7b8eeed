import type { Slots } from './slots.js';

/**
 * One kind of record, `W` as it is written and `T` as it is read. Each kind is defined in the room
 * that owns the record.
 */
export interface RecordKind<T, W = T> {
  /** The key of the only record of this kind; with many records, the part before `/NAME`. */
  readonly key: string;
  /** The record may come from another version: undefined for a value that is of no use. */
  decode(value: unknown): T | undefined;
  /** To plain data, where it is not plain already. */
  encode?(value: W): unknown;
}

/** The one record of its kind. */
export interface RecordEntry<T, W = T> {
  /** As an earlier controller left it. */
  readonly saved: T | undefined;
  put(value: W): void;
}

/** The records of one kind, by name. */
export interface RecordTable<T, W = T> {
  /** As an earlier controller left them. */
  readonly saved: ReadonlyMap<string, T>;
  put(name: string, value: W): void;
  erase(name: string): void;
}

/** The state that survives a controller, kind by kind. */
export class Records {
  readonly #slots: Slots;
  readonly #left: ReadonlyMap<string, unknown>;

  constructor(slots: Slots) {
    this.#slots = slots;
    this.#left = slots.load();
  }

  /** There are records of a newer version, which this one cannot read. */
  get hasNewer(): boolean {
    return this.#slots.newer > 0;
  }

  entry<T, W = T>(kind: RecordKind<T, W>): RecordEntry<T, W> {
    const slots = this.#slots;
    const left = this.#left.get(kind.key);
    return {
      saved: left === undefined ? undefined : kind.decode(left),
      put: (value) => void slots.write(kind.key, encoded(kind, value)),
    };
  }

  table<T, W = T>(kind: RecordKind<T, W>): RecordTable<T, W> {
    const slots = this.#slots;
    const prefix = `${kind.key}/`;
    const saved = new Map<string, T>();
    for (const [key, value] of this.#left) {
      const record = key.startsWith(prefix) ? kind.decode(value) : undefined;
      if (record !== undefined) saved.set(key.slice(prefix.length), record);
    }
    return {
      saved,
      put: (name, value) => void slots.write(prefix + name, encoded(kind, value)),
      erase: (name) => slots.erase(prefix + name),
    };
  }
}

const encoded = <T, W>({ encode }: RecordKind<T, W>, value: W): unknown => (encode ? encode(value) : value);
