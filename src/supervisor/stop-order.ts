import { monotonicMs } from '../process/clock.js';
import type { Cause, ServiceName } from '../types/service.js';
import { Graph } from './dependencies.js';
import type { Service } from './service.js';
import { isLogger } from './service-directory.js';
import { withStartup } from './startup-edges.js';

/** A logger that has not ended this long after the end of its input is asked to. */
const LOGGER_END_MS = 1_000;
/** From TERM to KILL when nobody waits any longer. */
const KILL_NOW_MS = 250;
const AFTER_LIMIT_MS = 500;

/** The parts that a stop of everything is given. */
export interface StopOrderContext {
  readonly services: readonly Service[];
  /**
   * Services that started before all others. They are stopped after all others, in reverse order.
   */
  readonly early: readonly ServiceName[];
  readonly cause: Cause;
  readonly limitMs: number;
  /** Lets a logger see the end of its input. */
  endInput(logger: ServiceName): void;
  /** Services were killed because they were still running. */
  killed(names: readonly ServiceName[], afterMs: number): void;
}

/**
 * Stops all services, each as soon as nothing that depends on it is left, within one time limit. A
 * service that hangs takes no time from those that come after it: each level of the graph has a
 * moment at which it is killed, and the levels after it a share of the time that is reserved for
 * them.
 */
export class StopOrder {
  readonly #context: StopOrderContext;
  readonly #graph: Graph;
  readonly #services: ReadonlyMap<ServiceName, Service>;
  readonly #beganMs = monotonicMs();
  readonly #asked = new Set<ServiceName>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #levels: ReadonlyMap<ServiceName, number>;
  /** When what is left of a level is killed. */
  readonly #dueMs: readonly number[];

  constructor(context: StopOrderContext) {
    this.#context = context;
    this.#services = new Map(context.services.map((service) => [service.name, service]));
    const services = context.services.map(({ name, definition: { dependsOn, replicas } }) => ({
      name,
      dependsOn,
      replicas,
    }));
    this.#graph = new Graph(withStartup(services, context.early));
    this.#levels = levelsOf(this.#graph, [...this.#services.keys()]);
    this.#dueMs = this.#shares();
  }

  /** Stops every service that no other holds. */
  begin(): void {
    for (const [level, dueMs] of this.#dueMs.entries()) this.#timers.push(setTimeout(() => this.#kill(level), dueMs));
    this.#proceed(this.#services.keys());
  }

  /** A service is down: its dependencies may be stopped. */
  follow(name: ServiceName): void {
    this.#proceed(this.#graph.dependenciesOf(name).map(({ on }) => on));
  }

  /**
   * Nobody waits any longer: TERM to all that were still to be stopped, and KILL a moment later.
   */
  killNow(): void {
    for (const name of this.#services.keys()) {
      this.#asked.add(name);
      this.#ask(name, KILL_NOW_MS * 2);
    }
    this.#timers.push(setTimeout(() => this.#killLeft(() => true), KILL_NOW_MS));
  }

  get isOver(): boolean {
    return [...this.#services.keys()].every((name) => this.#isDown(name));
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #proceed(names: Iterable<ServiceName>): void {
    for (const name of names) if (!this.#asked.has(name) && this.#isFree(name)) this.#stop(name);
  }

  #stop(name: ServiceName): void {
    this.#asked.add(name);
    if (!isLogger(name) || this.#isDown(name)) {
      this.#ask(name, this.#leftMs(name));
      return;
    }
    // A logger has read all of its input when it ends by itself.
    this.#context.endInput(name);
    const ask = (): void => this.#ask(name, this.#leftMs(name));
    this.#timers.push(setTimeout(ask, Math.min(LOGGER_END_MS, this.#leftMs(name) / 2)));
  }

  #ask(name: ServiceName, limitMs: number): void {
    const service = this.#services.get(name);
    if (service === undefined || this.#isDown(name)) return;
    // At its limit it is killed from here, with a word; the time on record is for the next
    // controller.
    const { graceMs } = service.definition.stop;
    const spared = service.machine.hold?.throughShutdown === true;
    const timeoutMs = graceMs < limitMs && !spared ? graceMs : limitMs + AFTER_LIMIT_MS;
    service.dispatch({ type: 'stop', why: 'shutdown', cause: this.#context.cause, timeoutMs });
  }

  #kill(level: number): void {
    this.#killLeft(({ name }) => (this.#levels.get(name) ?? 0) <= level);
  }

  #killLeft(selected: (service: Service) => boolean): void {
    const left = [...this.#services.values()].filter((service) => selected(service) && !this.#isDown(service.name));
    if (left.length === 0) return;
    this.#context.killed(
      left.map(({ name }) => name),
      monotonicMs() - this.#beganMs,
    );
    for (const service of left) {
      // A service that was never asked, because its dependents hang, gets its stop before its KILL.
      if (!this.#asked.has(service.name)) this.#stop(service.name);
      else service.dispatch({ type: 'kill_now' });
    }
  }

  #isFree(name: ServiceName): boolean {
    return this.#graph.holding(name, (each) => this.#isDown(each)).length === 0;
  }

  #isDown(name: ServiceName): boolean {
    const state = this.#services.get(name)?.status.state;
    return state === undefined || state === 'down';
  }

  #leftMs(name: ServiceName): number {
    const dueMs = this.#dueMs[this.#levels.get(name) ?? 0] ?? 0;
    return Math.max(0, this.#beganMs + dueMs - monotonicMs());
  }

  /**
   * The last level has all of the time; each one before it leaves a share to those after it, or
   * less where less is asked for: grace periods whose sum fits are all kept.
   */
  #shares(): readonly number[] {
    const { limitMs } = this.#context;
    const levels = 1 + Math.max(0, ...this.#levels.values());
    const shareMs = limitMs / (levels + 1);
    const dueMs = [limitMs];
    for (let level = levels - 1; level > 0; level--) {
      const services = [...this.#services.values()].filter(({ name }) => this.#levels.get(name) === level);
      const reservedMs = Math.min(shareMs, Math.max(0, ...services.map(longestStopMs)));
      dueMs.unshift((dueMs[0] ?? limitMs) - reservedMs);
    }
    return dueMs;
  }
}

const longestStopMs = ({ name, definition }: Service): number =>
  isLogger(name) ? LOGGER_END_MS : definition.stop.graceMs;

/**
 * How many services in a row have to be down before this one: the length of the longest chain of
 * dependents.
 */
function levelsOf(graph: Graph, names: readonly ServiceName[]): ReadonlyMap<ServiceName, number> {
  const levels = new Map<ServiceName, number>();
  for (const name of graph.startOrder().toReversed()) {
    const cycle = graph.cycleOf(name);
    const before = graph
      .dependentsOf(name)
      .filter((dependent) => cycle === undefined || graph.cycleOf(dependent.name) !== cycle)
      .map((dependent) => (levels.get(dependent.name) ?? 0) + 1);
    levels.set(name, Math.max(0, ...before));
  }
  for (const name of names) if (!levels.has(name)) levels.set(name, 0);
  return levels;
}
