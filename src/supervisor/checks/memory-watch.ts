import { roughSize } from '../../text/size.js';
import type { MemoryMax } from '../definition/definition.js';
import { type ProcessRun, pidOf, processOf } from '../machine.js';
import type { ServiceCore } from '../service-context.js';
import type { MemoryGuard } from './memory-guard.js';

/** Acts on the runs of a service that use more than its `memory_max`. */
export class MemoryWatch {
  readonly #service: ServiceCore;
  #guard: MemoryGuard | undefined;
  #rule: MemoryMax | undefined;
  #run = 0;

  constructor(service: ServiceCore) {
    this.#service = service;
  }

  /** The service is as its machine says now. */
  follow(): void {
    const { machine, definition } = this.#service;
    const isWanted = (machine.state === 'starting' || machine.state === 'up') && machine.hold === undefined;
    const run = isWanted ? processOf(machine) : undefined;
    const rule = run && definition.policy.memoryMax;
    if (rule === this.#rule && machine.runNumber === this.#run) return;
    this.close();
    this.#rule = rule;
    this.#run = machine.runNumber;
    if (run !== undefined && rule !== undefined) void this.#begin(run, rule);
  }

  close(): void {
    this.#guard?.stop();
    this.#guard = undefined;
    this.#rule = undefined;
  }

  /** In words; '' where nothing is watched. */
  get source(): string {
    if (this.#rule === undefined) return '';
    const { name, context, machine } = this.#service;
    if (context.groups.bytesOf(name, pidOf(machine)) !== undefined) return 'a cgroup of its own';
    return `/proc, without a cgroup of its own (${context.groups.problemOf(name)})`;
  }

  /** Most containers have no guard: the module is loaded for those that have. */
  async #begin({ session }: ProcessRun, rule: MemoryMax): Promise<void> {
    const { MemoryGuard: Guard } = await import('./memory-guard.js');
    const { sessionMemory } = await import('../../resources/session-memory.js');
    if (this.#rule !== rule) return;
    const { name, context } = this.#service;
    const { groups } = context;
    const { initPid } = context.checks;
    this.#guard = new Guard(
      rule,
      () => {
        // MAINPID= may have named another.
        const pid = pidOf(this.#service.machine);
        return groups.bytesOf(name, pid) ?? sessionMemory(pid, session, initPid, rule.bytes);
      },
      (bytes) => this.#exceeded(bytes, rule),
    );
    this.#guard.start();
  }

  #exceeded(bytes: number, { bytes: limitBytes, action }: MemoryMax): void {
    const { name, context, machine } = this.#service;
    const trouble = `used ${roughSize(bytes)} of memory, more than its memory_max of ${roughSize(limitBytes)}`;
    if (action === 'restart') {
      context.warn(`${name}: ${trouble}: it is ended`);
      this.#service.dispatch({ type: 'over_memory', trouble });
    } else {
      context.warn(`${name}: ${trouble}: it is sent ${action.slice(3)}`);
      void context.host.signal(pidOf(machine), action, false);
    }
  }
}
