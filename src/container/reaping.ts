import type { InitLink } from '../process/init-link.js';
import { numberOf } from '../state/fields.js';
import type { RecordKind, RecordTable } from '../state/records.js';
import type { ServiceView } from '../types/service.js';
import type { ControllerEndCause, Reaping } from '../types/system.js';

/** How many sessions are remembered: an orphan may outlive the run that leaked it by long. */
const REMEMBERED_SESSIONS = 8_192;

/** How many orphans each service has left. */
export const ORPHAN_RECORD: RecordKind<number> = { key: 'reaped', decode: numberOf };

/**
 * Counts the orphans that init reaps, by the service that leaked them: each run of a service is a
 * session of its own.
 */
export class OrphanCounts implements Reaping {
  readonly #services: ServiceView;
  readonly #sessions = new Map<number, string>();
  readonly #reaped = new Map<string, number>();
  readonly #restarts: Record<ControllerEndCause, number>;
  #total: number;
  #refused = 0;

  constructor(
    link: InitLink,
    services: ServiceView,
    reapedBefore: number,
    restarts: Record<ControllerEndCause, number>,
    records: RecordTable<number>,
  ) {
    this.#services = services;
    this.#total = reapedBefore;
    this.#restarts = restarts;
    for (const [name, reaped] of records.saved) this.#reaped.set(name, reaped);
    // Nobody knows any more which services left the other orphans.
    this.#reaped.set('', Math.max(0, reapedBefore - sum(records.saved.values())));
    for (const { pid, name } of services.list()) if (pid !== 0) this.#remember(pid, name);
    services.subscribe(({ status, removed }) => {
      if (removed) this.#forget(status.name, records);
      else if (status.pid !== 0) this.#remember(status.pid, status.name);
    });
    link.on('refused', () => {
      this.#refused += 1;
    });
    link.on('orphans', ({ count, session }) => {
      const name = this.#sessions.get(session) ?? '';
      const reaped = (this.#reaped.get(name) ?? 0) + count;
      this.#total += count;
      this.#reaped.set(name, reaped);
      if (name !== '') records.put(name, reaped);
    });
  }

  /** The service whose run had this session, '' when unknown. */
  serviceOf(session: number): string {
    return this.#sessions.get(session) ?? '';
  }

  zombiesReaped(): ReadonlyMap<string, number> {
    const known = new Map<string, number>([['', this.#reaped.get('') ?? 0]]);
    for (const { name } of this.#services.list()) known.set(name, this.#reaped.get(name) ?? 0);
    return known;
  }

  zombiesReapedTotal(): number {
    return this.#total;
  }

  controllerRestarts(): Readonly<Record<ControllerEndCause, number>> {
    return this.#restarts;
  }

  refusedOrders(): number {
    return this.#refused;
  }

  /** Orphans of a removed service are counted under ''. */
  #forget(name: string, records: RecordTable<number>): void {
    this.#reaped.set('', (this.#reaped.get('') ?? 0) + (this.#reaped.get(name) ?? 0));
    this.#reaped.delete(name);
    for (const [session, owner] of this.#sessions) if (owner === name) this.#sessions.delete(session);
    records.erase(name);
  }

  #remember(session: number, name: string): void {
    if (this.#sessions.get(session) === name) return;
    this.#sessions.delete(session);
    this.#sessions.set(session, name);
    if (this.#sessions.size <= REMEMBERED_SESSIONS) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      break;
    }
  }
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);
