/** One service with a fake host, whose controller may be killed: for tests of whole histories. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { MemoryGroups } from '../../src/resources/memory-groups.js';
import type { Definition } from '../../src/supervisor/definition/definition.js';
import { readDirectory } from '../../src/supervisor/definition/read-directory.js';
import type { MachineEvent } from '../../src/supervisor/machine.js';
import { Service } from '../../src/supervisor/service.js';
import type { ServiceContext } from '../../src/supervisor/service-context.js';
import { type RecordedService, readRecord, writeRecord } from '../../src/supervisor/service-record.js';
import type { ServiceName, ServiceStatus } from '../../src/types/service.js';
import { FakeHost } from './fake-host.js';
import { NO_CHECKS } from './no-checks.js';

export const STOP_MS = 2_000;
const FINISH_MS = 5_000;

export interface WorldOptions {
  readonly finish: boolean;
  /** Replaces values of the directory's definition. */
  readonly definition?: Partial<Definition>;
  /** The laws that a step breaks. */
  broken(previous: ServiceStatus, status: ServiceStatus, event: MachineEvent): readonly string[];
}

/** One service, the controller that has it, and the world around both. */
export class World {
  readonly host = new FakeHost();
  readonly directory: string;
  readonly #options: WorldOptions;
  service: Service;
  record: RecordedService | undefined;
  forgotten = false;
  startsForbidden = false;
  /**
   * The controller dies right after this many records: no effect that they announce is carried out.
   */
  recordsLeft = Number.POSITIVE_INFINITY;
  /** The exit code that the service asks the container to end with. */
  shutdownCode: number | undefined;

  constructor(root: string, options: WorldOptions) {
    this.directory = join(root, 'web');
    this.#options = options;
    rmSync(this.directory, { recursive: true, force: true });
    mkdirSync(this.directory);
    this.mend();
    if (options.finish) writeFileSync(join(this.directory, 'finish'), '#!/bin/sh\n', { mode: 0o755 });
    this.service = this.#controller();
  }

  mend(): void {
    writeFileSync(join(this.directory, 'run'), '#!/bin/sh\n');
    chmodSync(join(this.directory, 'run'), 0o755);
  }

  break(): void {
    chmodSync(join(this.directory, 'run'), 0o644);
  }

  get status(): ServiceStatus {
    return this.service.status;
  }

  dispatch(event: MachineEvent): void {
    if (!this.forgotten) this.service.dispatch(event);
  }

  /** The controller is killed, and the next one takes over after a while. */
  async replaceController(gapMs: number, meanwhile = (): void => {}): Promise<void> {
    if (this.forgotten || this.record === undefined) return;
    this.host.orphan();
    this.#generation += 1;
    meanwhile();
    jest.advanceTimersByTime(gapMs);
    const service = this.#controller(this.record);
    this.service = service;
    service.resume();
    await this.pass(0);
  }

  /** Time passes, with room for promises between. */
  async pass(ms: number): Promise<void> {
    const slices = Math.min(10, Math.max(1, ms));
    for (let slice = 0; slice < slices; slice++) {
      jest.advanceTimersByTime(ms / slices);
      for (let turn = 0; turn < 6; turn++) await Promise.resolve();
    }
  }

  #generation = 0;

  #controller(record?: RecordedService): Service {
    const generation = this.#generation;
    /** A dead controller does nothing any more, though its timers are still here. */
    const alive = (): boolean => generation === this.#generation;
    const context: ServiceContext = {
      keep: () => {},
      read: (name, directory) => {
        const read = readDirectory(name, directory, { stopMs: STOP_MS, finishMs: FINISH_MS, scriptMs: STOP_MS });
        return { ...read, definition: { ...read.definition, ...this.#options.definition } };
      },
      output: () => undefined,
      input: () => undefined,
      drain: (_name, done) => done(),
      host: this.host.seenBy(alive),
      bootId: 'boot',
      environment: () => new Map(),
      checks: NO_CHECKS,
      groups: new MemoryGroups('none', '/nowhere'),
      sweep: (session) => (alive() ? this.host.sweep(session, alive) : new Promise(() => {})),
      record: (latest) => {
        if (!alive()) return;
        this.record = JSON.parse(JSON.stringify(writeRecord(latest, 1)));
        this.recordsLeft -= 1;
        if (this.recordsLeft === 0) this.#generation += 1;
      },
      publish: (previous, status, event) => {
        if (alive()) this.host.violations.push(...this.#options.broken(previous, status, event));
      },
      claim: () => undefined,
      terminateSession: () => Promise.resolve(false),
      shutdown: (code) => {
        if (alive()) this.shutdownCode = code;
      },
      forget: () => {
        if (alive()) this.forgotten = true;
      },
      warn: (text) => {
        if (alive() && text.includes('internal error')) this.host.violations.push(text);
      },
    };
    return new Service('web' as ServiceName, this.directory, context, readRecord(record));
  }
}
