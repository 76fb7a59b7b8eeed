/**
 * The definition of a service: the result of reading its directory or its YAML, with every default
 * filled in. Plain data; nothing here touches the file system. Times are milliseconds, sizes bytes;
 * Infinity is "no limit".
 */

import type { LogRule } from '../../types/logs.js';
import type { ServiceName } from '../../types/service.js';

export interface Definition {
  readonly name: ServiceName;
  /** A oneshot is done when it has ended successfully. */
  readonly type: 'longrun' | 'oneshot';
  /**
   * The service directory; undefined for a service that is defined in a file for many services
   * alone.
   */
  readonly directory: string | undefined;
  /** The service came by `svctl run`: nothing but its record below the run directory defines it. */
  readonly transient: boolean;
  /**
   * The number of replicas of the same definition, `web@1`; undefined for a service that is not one
   * of several.
   */
  readonly replicas: number | undefined;
  readonly command: Command;
  /** Scripts of the directory that take part: runsv(8) has none of them for a logger. */
  readonly finish: Script;
  readonly check: Script;
  readonly description: string;
  readonly tags: readonly string[];
  /** Started by itself: there is no `down` file and `enabled` is not false. */
  readonly enabled: boolean;
  /** A stop of all services passes it over: `flag-essential` of s6-rc. */
  readonly stopsByNameOnly: boolean;
  readonly dependsOn: readonly Dependency[];
  readonly ready: Readiness;
  readonly startTimeoutMs: number;
  /** How long `finish` may take, and each script of `control/`. */
  readonly finishTimeoutMs: number;
  readonly scriptTimeoutMs: number;
  readonly stop: StopRule;
  readonly reload: Reload;
  readonly environment: EnvironmentRule;
  readonly execution: Execution;
  readonly log: LogRule | undefined;
  readonly policy: Policy;
  /**
   * Where each value comes from, by key path (`ready.http.url`); a key without an entry is a
   * default.
   */
  readonly origins: ReadonlyMap<string, Origin>;
}

/** The times of a service whose definition says nothing about them: those of my_init's options. */
export interface DefaultTimes {
  readonly stopMs: number;
  readonly finishMs: number;
  readonly scriptMs: number;
}

/**
 * The result of reading a definition. With a problem the service is `failed` and the definition
 * holds the readable part, with defaults for the rest: stopping and forgetting such a service works
 * as with any other.
 */
export interface DefinitionRead {
  readonly definition: Definition;
  readonly problem: Problem | undefined;
  /** The service runs with this definition, and its files say something else by now. */
  readonly isChanged?: boolean;
}

export interface Origin {
  readonly file: string;
  /** From 1; 0 where the file as a whole is meant, as a file `down` is. */
  readonly line: number;
  readonly column: number;
}

/** A problem of a definition: the service is `failed` with it, and no other service is hurt. */
export interface Problem {
  /** Stable, for `my_init check`: `unknown-key`, `run-not-executable`. */
  readonly id: string;
  readonly severity: 'error' | 'warning';
  readonly service: string | undefined;
  /** The key path, '' where no key is meant. */
  readonly key: string;
  readonly origin: Origin;
  /** The problem and its subject. */
  readonly message: string;
  /** The remedy. */
  readonly remedy: string;
}

/** `run` is `./run` in the service directory. */
export type Command =
  | { readonly kind: 'run' }
  | { readonly kind: 'argv'; readonly argv: readonly string[] }
  | { readonly kind: 'shell'; readonly script: string };

export type Script = 'absent' | 'usable' | { readonly trouble: string };

export type Condition = 'started' | 'ready' | 'completed';

export interface Dependency {
  readonly on: ServiceName;
  readonly condition: Condition;
  readonly required: boolean;
  /** Restarted after that one has restarted and is ready again. */
  readonly restart: boolean;
}

/** How often and how patiently a probe looks. */
export interface ProbeTimes {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failures: number;
  readonly successes: number;
}

/** A look at a service from outside: polled. */
export type Probe =
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly unix: string | undefined;
      readonly headers: Readonly<Record<string, string>>;
      /** Inclusive ranges of status codes that pass. */
      readonly status: readonly (readonly [number, number])[];
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'grpc'; readonly address: string; readonly service: string }
  | { readonly kind: 'exec'; readonly argv: readonly string[] }
  | { readonly kind: 'file'; readonly path: string };

/** The source of a service's readiness: pushed by the service or by time, or polled. */
export type Readiness =
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'notify' }
  | { readonly kind: 'notify_fd'; readonly fd: number }
  | { readonly kind: 'log'; readonly pattern: string }
  | { readonly kind: 'probe'; readonly probe: Probe; readonly times: ProbeTimes };

export interface Live {
  readonly probe: Probe;
  readonly times: ProbeTimes;
  readonly onFailure: 'restart' | 'none' | 'shutdown';
}

export interface StopRule {
  /** The last signal is waited for until the grace period is over; KILL comes last in any case. */
  readonly signals: readonly { readonly signal: NodeJS.Signals; readonly waitMs: number | undefined }[];
  /** From the first signal to KILL. */
  readonly graceMs: number;
  readonly command: readonly string[] | undefined;
}

export type Reload =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

export interface EnvironmentRule {
  /** Over the container's environment; undefined removes the variable. */
  readonly variables: ReadonlyMap<string, string | undefined>;
  /** Read again at each start. */
  readonly files: readonly { readonly path: string; readonly required: boolean }[];
  /** Patterns of the container's variables that the service sees; undefined: all. */
  readonly pass: readonly string[] | undefined;
}

/** The settings that `launch` applies between fork and exec; undefined leaves those of my_init. */
export interface Execution {
  readonly user: string | undefined;
  readonly groupAdd: readonly string[];
  readonly workingDirectory: string | undefined;
  readonly umask: number | undefined;
  readonly nice: number | undefined;
  readonly oomScoreAdj: number | undefined;
  /** By name without RLIMIT_, in lower case: `nofile`. */
  readonly ulimits: ReadonlyMap<string, { readonly soft: number; readonly hard: number }>;
}

/** The policy for a run that ends, is slow, or uses too much memory. */
export interface Policy {
  readonly restart: 'always' | 'on-failure' | 'no';
  readonly successExitCodes: readonly ExitMatch[];
  readonly exitRules: readonly ExitRule[];
  readonly restartDelay: {
    readonly initialMs: number;
    readonly factor: number;
    readonly maxMs: number;
    readonly jitter: number;
    readonly resetAfterMs: number;
  };
  readonly startLimit:
    | { readonly attempts: number; readonly withinMs: number; readonly then: 'fail' | 'shutdown' }
    | undefined;
  readonly essential: boolean;
  readonly optional: boolean;
  readonly live: Live | undefined;
  readonly memoryMax: MemoryMax | undefined;
}

/** The memory that the processes of a service may use together. */
export interface MemoryMax {
  readonly bytes: number;
  /** How long they may use more. */
  readonly forMs: number;
  readonly action: 'restart' | NodeJS.Signals;
}

export type ExitMatch =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals };

export interface ExitRule {
  readonly match: readonly ExitMatch[];
  readonly oom: boolean;
  readonly action: 'restart' | 'fail' | 'complete' | 'shutdown';
  /** The exit code of the container with `shutdown: CODE`. */
  readonly code: number | undefined;
}
