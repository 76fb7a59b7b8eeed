import type { MachineEvent } from './machine.js';

/** The events of a service, one at a time: an event that comes within another one's step waits. */
export class EventQueue {
  readonly #apply: (event: MachineEvent) => void;
  readonly #queue: { readonly event: MachineEvent; readonly applied: (() => void) | undefined }[] = [];
  #busy = false;

  constructor(apply: (event: MachineEvent) => void) {
    this.#apply = apply;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  push(event: MachineEvent, applied?: () => void): void {
    this.#queue.push({ event, applied });
    if (!this.#busy) this.#work();
  }

  /** Keeps all events until {@link goOn}. */
  standStill(): void {
    this.#busy = true;
  }

  goOn(): void {
    this.#busy = false;
    this.#work();
  }

  #work(): void {
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#apply(next.event);
        next.applied?.();
      }
    } finally {
      this.#busy = false;
    }
  }
}
