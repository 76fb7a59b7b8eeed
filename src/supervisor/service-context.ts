import type { Environment } from '../process/environment.js';
import type { ProcessHost, ProcessOutput } from '../process/process-host.js';
import type { MemoryGroups } from '../resources/memory-groups.js';
import type { ExitStatus, ServiceName, ServiceStatus } from '../types/service.js';
import type { ChecksContext, Provision } from './checks/service-checks.js';
import type { ControlScripts } from './control-scripts.js';
import type { Definition, DefinitionRead, Problem } from './definition/definition.js';
import type { EnvironmentFile } from './definition/environment.js';
import type { Machine, MachineEvent } from './machine.js';
import type { ServiceRecord } from './service-record.js';

/** Names a service and its directory. */
export interface ServiceId {
  readonly name: ServiceName;
  readonly directory: string;
}

/** The parts that a service is given. */
export interface ServiceContext {
  readonly host: ProcessHost;
  readonly bootId: string;
  /** Reads what the service is. */
  read(name: ServiceName, directory: string): DefinitionRead;
  /**
   * The service starts with this definition and these files of variables or, without them, takes it
   * over while it runs.
   */
  keep(definition: Definition, files?: readonly EnvironmentFile[]): void;
  /** The container's environment, as it is now. */
  environment(): Environment;
  /** The descriptors that the service's processes write to; undefined: those of my_init. */
  output(): ProcessOutput | undefined;
  /** The descriptor that a service reads; undefined: none. */
  input(name: ServiceName): number | undefined;
  /** Stores what the ended process of a service has written, and calls `done`. */
  drain(name: ServiceName, done: () => void): void;
  readonly checks: ChecksContext;
  /** Where the memory of a service is counted. */
  readonly groups: MemoryGroups;
  /** Kills what is left of a session. */
  sweep(session: number): Promise<unknown>;
  /**
   * Asks what is left of a session to end. Resolves to whether nothing is left, at the latest when
   * the time is over.
   */
  terminateSession(session: number, isOver: () => boolean): Promise<boolean>;
  /** Takes the service as ours to supervise, if it is not yet; else why somebody else does. */
  claim(service: ServiceId): string | undefined;
  /**
   * Puts the service on record, before the effects of a step; `isNews`: a publication of the status
   * follows.
   */
  record(record: ServiceRecord, isNews: boolean): void;
  /** The one publication of a status. */
  publish(previous: ServiceStatus, status: ServiceStatus, event: MachineEvent): void;
  /** The container is to end, with this exit code: the service's policy says so. */
  shutdown(code: number, reason: string): void;
  /** The service is down and its directory is gone. */
  forget(service: ServiceId): void;
  /** A warning worth a line in the log. */
  warn(text: string): void;
}

/** A service, as its effects and its recovery see it. */
export interface ServiceCore extends ServiceId {
  readonly context: ServiceContext;
  readonly scripts: ControlScripts;
  readonly machine: Machine;
  readonly definition: Definition;
  dispatch(event: MachineEvent): void;
  /** The same; resolves when the step is on record. */
  settle(event: MachineEvent): Promise<void>;
  /** Brings the definition up to date before a start. Returns why `run` cannot be executed. */
  readForStart(): Problem | undefined;
  /** Brings `finish` up to date: the script may be as new as the end of the run. */
  readFinish(): void;
  exited(status: ExitStatus, unstartable?: string, atMs?: number): Promise<void>;
  record(): void;
  /**
   * Opens what the next run reports its readiness to. Throws an Error with `code` when that cannot
   * be opened.
   */
  prepareChecks(): Provision;
  /** The service is forgotten: no timer and no check of it goes on. */
  close(): void;
}
