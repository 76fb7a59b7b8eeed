import { isDeepStrictEqual } from 'node:util';
import { pidOf, processOf } from '../machine.js';
import type { ServiceCore } from '../service-context.js';
import { checksOf } from './checks-of.js';
import { MemoryWatch } from './memory-watch.js';
import { type CheckRules, NOTHING_PROVIDED, type Provision, type ServiceChecks } from './service-checks.js';

/** The checks of a service and the watch over its memory: both follow its machine. */
export class FollowedChecks {
  readonly #service: ServiceCore;
  readonly #memory: MemoryWatch;
  #checks: ServiceChecks | undefined;
  /** The rules of the definition that the checks go by. */
  #rules: CheckRules | undefined;

  constructor(service: ServiceCore) {
    this.#service = service;
    this.#memory = new MemoryWatch(service);
  }

  /** An earlier controller has begun them. */
  resume(): void {
    this.#checks = this.#make();
  }

  /** For the next run. Throws as {@link ServiceCore.prepareChecks}. */
  prepare(): Provision {
    const { ready, policy } = this.#service.definition;
    if (!isDeepStrictEqual(this.#rules, { ready, live: policy.live })) {
      this.#checks?.close();
      this.#checks = this.#make();
    }
    return this.#checks?.prepare() ?? NOTHING_PROVIDED;
  }

  /** The service is as its machine says now. */
  follow(): void {
    const { machine } = this.#service;
    this.#memory.follow();
    this.#checks?.follow({
      run: machine.runNumber,
      pid: pidOf(machine),
      ready: machine.state === 'up' && machine.ready,
      wanted: machine.state === 'starting' || machine.state === 'up',
      paused: processOf(machine)?.paused ?? false,
      held: machine.hold !== undefined,
    });
  }

  /** Where the memory of the run is read; '' without memory_max. */
  get memorySource(): string {
    return this.#memory.source;
  }

  close(): void {
    this.#checks?.close();
    this.#memory.close();
  }

  #make(): ServiceChecks | undefined {
    const { type, ready, policy } = this.#service.definition;
    this.#rules = { ready, live: policy.live };
    if (type === 'oneshot' || (ready.kind === 'delay' && policy.live === undefined)) return undefined;
    return checksOf(this.#service, this.#rules);
  }
}
