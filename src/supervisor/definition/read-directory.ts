import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkProgram } from '../../process/program-check.js';
import type { ServiceName } from '../../types/service.js';
import { isLogger } from '../service-directory.js';
import { defaultDefinition } from './default-definition.js';
import type { DefaultTimes, Definition, DefinitionRead, Problem, Readiness, Script } from './definition.js';

/** The script `check`, with which sv(8) asks a service whether it is ready. */
const readyByCheck = (directory: string): Readiness => ({
  kind: 'probe',
  probe: { kind: 'exec', argv: [join(directory, 'check')] },
  times: { intervalMs: 10_000, timeoutMs: 3_000, failures: 3, successes: 1 },
});

/** Reads a service directory of runit: `run`, `finish`, `check` and `down`, runsv(8). */
export function readDirectory(name: ServiceName, directory: string, times: DefaultTimes): DefinitionRead {
  const check = isLogger(name) ? 'absent' : readScript(directory, 'check');
  const definition: Definition = {
    ...defaultDefinition(name, directory, times),
    ...(check === 'usable' && { ready: readyByCheck(directory) }),
    finish: readFinish(name, directory),
    check,
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
