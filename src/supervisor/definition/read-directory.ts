import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkProgram } from '../../process/program-check.js';
import type { ServiceName } from '../../types/service.js';
import { isLogger } from '../service-directory.js';
import type { DefaultTimes, Definition, DefinitionRead, Policy, Problem, Script } from './definition.js';

/** Long enough for a daemon to trip over a bad option or a port in use. */
const READY_DELAY_MS = 250;

/** runit's rule, which is ours: never give up. */
const POLICY: Policy = {
  restart: 'always',
  successExitCodes: [{ kind: 'code', code: 0 }],
  exitRules: [],
  restartDelay: { initialMs: 1_000, factor: 2, maxMs: 30_000, jitter: 0.1, resetAfterMs: 10_000 },
  startLimit: undefined,
  essential: false,
  optional: false,
  live: undefined,
  memoryMax: undefined,
};

/** A definition in which nothing is said but the name: every key has its default. */
export const defaultDefinition = (
  name: ServiceName,
  directory: string | undefined,
  { stopMs, finishMs, scriptMs }: DefaultTimes,
): Definition => ({
  name,
  type: 'longrun',
  directory,
  command: { kind: 'run' },
  finish: 'absent',
  check: 'absent',
  description: '',
  tags: [],
  enabled: true,
  dependsOn: [],
  ready: { kind: 'delay', delayMs: READY_DELAY_MS },
  startTimeoutMs: Number.POSITIVE_INFINITY,
  finishTimeoutMs: finishMs,
  scriptTimeoutMs: scriptMs,
  stop: { signals: [{ signal: 'SIGTERM', waitMs: undefined }], graceMs: stopMs, command: undefined },
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
  policy: POLICY,
  origins: new Map(),
});

/** What a service directory of runit says: `run`, `finish`, `check` and `down`, runsv(8). */
export function readDirectory(name: ServiceName, directory: string, times: DefaultTimes): DefinitionRead {
  const definition: Definition = {
    ...defaultDefinition(name, directory, times),
    finish: readFinish(name, directory),
    check: isLogger(name) ? 'absent' : readScript(directory, 'check'),
    enabled: isEnabled(directory),
  };
  return { definition, problem: problemOfRun(name, directory) };
}

/** A service is started at boot unless its directory has a file `down`, runsv(8). */
export const isEnabled = (directory: string): boolean => !existsSync(join(directory, 'down'));

/** runsv(8) does not run `finish` of a logger. */
export const readFinish = (name: ServiceName, directory: string): Script =>
  isLogger(name) ? 'absent' : readScript(directory, 'finish');

/** A missing script is normal, one that cannot be executed is not. */
function readScript(directory: string, script: string): Script {
  const path = join(directory, script);
  if (!existsSync(path)) return 'absent';
  const trouble = checkProgram(path);
  return trouble === undefined ? 'usable' : { trouble };
}

/** Why `run` cannot be executed as it stands; undefined when nothing speaks against it. */
export function problemOfRun(name: ServiceName, directory: string): Problem | undefined {
  const file = join(directory, 'run');
  const message = checkProgram(file);
  if (message === undefined) return undefined;
  const origin = { file, line: 0, column: 0 };
  return { id: 'run-unusable', severity: 'error', service: name, key: '', origin, message, remedy: '' };
}

/** A problem as a person reads it. */
export const describeProblem = ({ message, remedy }: Problem): string =>
  remedy === '' ? message : `${message} (${remedy})`;
