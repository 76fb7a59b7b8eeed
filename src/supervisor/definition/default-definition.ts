import type { ServiceName } from '../../types/service.js';
import type { DefaultTimes, Definition } from './definition.js';

/** A service of which nothing is said but its name, and where it is. */
export function defaultDefinition(name: ServiceName, directory: string | undefined, times: DefaultTimes): Definition {
  return {
    name,
    type: 'longrun',
    directory,
    transient: false,
    replicas: undefined,
    command: { kind: 'run' },
    finish: 'absent',
    check: 'absent',
    description: '',
    tags: [],
    enabled: true,
    stopsByNameOnly: false,
    dependsOn: [],
    // Long enough for a daemon to trip over a bad option or a port in use.
    ready: { kind: 'delay', delayMs: 250 },
    startTimeoutMs: Number.POSITIVE_INFINITY,
    finishTimeoutMs: times.finishMs,
    scriptTimeoutMs: times.scriptMs,
    stop: { signals: [{ signal: 'SIGTERM', waitMs: undefined }], graceMs: times.stopMs, command: undefined },
    reload: { kind: 'signal', signal: 'SIGHUP' },
    environment: { variables: new Map(), files: [], pass: undefined },
    execution: {
      user: undefined,
      groupAdd: [],
      workingDirectory: undefined,
      umask: undefined,
      nice: undefined,
      oomScoreAdj: undefined,
      ulimits: new Map(),
    },
    log: undefined,
    policy: {
      restart: 'always',
      successExitCodes: [{ kind: 'code', code: 0 }],
      exitRules: [],
      restartDelay: { initialMs: 1_000, factor: 2, maxMs: 30_000, jitter: 0.1, resetAfterMs: 10_000 },
      startLimit: undefined,
      essential: false,
      optional: false,
      live: undefined,
      memoryMax: undefined,
    },
    origins: new Map(),
  };
}
