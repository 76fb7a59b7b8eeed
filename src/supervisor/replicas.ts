import { numberOf } from '../state/fields.js';
import type { RecordKind, RecordTable } from '../state/records.js';
import type { OperationOptions } from '../types/operations.js';
import type { Cause, ServiceName } from '../types/service.js';
import { MAX_REPLICAS, replicaName, replicaNumber, replicaOf } from './definition/replicas.js';
import type { DirectoryWatch } from './directory-watch.js';
import { OperationError } from './operation-error.js';
import { replicasOf, select } from './selecting.js';
import type { Service } from './service.js';
import type { ServiceSet } from './service-set.js';

/** How many replicas an order has asked for, by the name that they share. */
export const SCALE_RECORD: RecordKind<number> = { key: 'scale', decode: numberOf };

/**
 * The numbers of replicas that orders have asked for, in place of the defined numbers. They end
 * with the boot.
 */
export class Scales {
  readonly #table: RecordTable<number>;
  #counts: ReadonlyMap<string, number>;

  constructor(table: RecordTable<number>) {
    this.#table = table;
    this.#counts = table.saved;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  put(name: string, count: number): void {
    this.#counts = new Map([...this.#counts, [name, count]]);
    this.#table.put(name, count);
  }

  /** An order has scaled below this replica. */
  hasRemoved(name: string): boolean {
    const at = name.lastIndexOf('@');
    const count = at < 0 ? undefined : this.#counts.get(name.slice(0, at));
    return count !== undefined && replicaNumber(name) > count;
  }
}

export interface ReplicasParts {
  readonly set: ServiceSet;
  readonly scales: Scales;
  readonly definitions: { prepare(): Promise<void> };
  readonly watch: Pick<DirectoryWatch, 'scan'>;
}

/** Adds and removes replicas. */
export class Replicas {
  readonly #parts: ReplicasParts;

  constructor(parts: ReplicasParts) {
    this.#parts = parts;
  }

  /**
   * Puts the number on record, starts those that are missing and stops those that are too many.
   * Throws OperationError.
   */
  async scale(
    name: string,
    count: number,
    { cause, requestId = '' }: OperationOptions,
  ): Promise<{ readonly added: readonly Service[]; readonly removed: readonly Service[] }> {
    const { set, scales, definitions, watch } = this.#parts;
    if (!Number.isInteger(count) || count < 1 || count > MAX_REPLICAS)
      throw new OperationError('INVALID_ARGUMENT', `the number of replicas must be from 1 to ${MAX_REPLICAS}`, {
        field: 'replicas',
      });
    this.#refuseOthers(name);
    const before = new Set(replicasOf(set, name).map((service) => service.name));
    scales.put(name, count);
    await definitions.prepare();
    watch.scan(scaled(cause, name));
    const now = Array.from({ length: count }, (_, index) => replicaName(name, index + 1) as ServiceName);
    return {
      added: now
        .flatMap((each) => set.service(each) ?? [])
        .filter((each) => !before.has(each.name) || isOf(each, requestId) || isFirstStart(each)),
      removed: [...before].filter((each) => !now.includes(each)).flatMap((each) => set.service(each) ?? []),
    };
  }

  /** Not a name that replicas share. */
  #refuseOthers(name: string): void {
    const { set } = this.#parts;
    const { found, missing } = select(set, { names: [name], globs: [], all: false });
    if (missing[0]) throw missing[0].error;
    const of = found[0] && replicaOf(found[0].definition);
    if (of === name) return;
    const remedy = of ? `scale ${of}` : `give it "replicas: 1" in its definition, and it is ${replicaName(name, 1)}`;
    throw new OperationError('INVALID_ARGUMENT', `${name} is one service and has no replicas: ${remedy}`, {
      field: 'name',
      service: name,
    });
  }
}

/** Added by an earlier try of the same request. */
const isOf = ({ order }: Service, requestId: string): boolean => requestId !== '' && order?.id === requestId;

/** A controller that came after the order has added it. */
const isFirstStart = ({ status: { run, ready, desired } }: Service): boolean => run <= 1 && !ready && desired === 'up';

const scaled = ({ actor, kind }: Cause, name: string): Cause => ({
  kind,
  message: `scale ${name}`,
  ...(actor !== undefined && { actor }),
});
