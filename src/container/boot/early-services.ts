import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../../process/clock.js';
import { checkProgram } from '../../process/program-check.js';
import type { Settings } from '../../settings/settings.js';
import { isServiceName, loggerOf } from '../../supervisor/service-directory.js';
import type { ServiceSet } from '../../supervisor/service-set.js';
import type { ServiceName } from '../../types/service.js';
import type { ShutdownSwitch } from '../container-end.js';
import type { ScriptRunner } from '../script-runner.js';
import { entriesOf } from '../scripts.js';

/** What does not get ready (syslog-ng is in 50 ms) is not to hold up the container for ever. */
const READY_WITHIN_MS = 5_000;
const CHECK_AGAIN_MS = 10;

/** The service that an entry of the startup directory is a link to; undefined when it is none. */
export function earlyServiceAt(path: string, serviceDirectory: string): ServiceName | undefined {
  try {
    const target = resolve(dirname(path), readlinkSync(path));
    const name = basename(target);
    const inside = realpathSync(dirname(target)) === realpathSync(serviceDirectory);
    return inside && isServiceName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The services that come before the others, in the order of their start. */
export function earlyServices({ config, messages }: Settings): readonly ServiceName[] {
  return entriesOf(config.startupDirectory, messages).flatMap(
    (path) => earlyServiceAt(path, config.serviceDirectory) ?? [],
  );
}

export interface EarlyDependencies {
  readonly settings: Settings;
  readonly set: ServiceSet;
  readonly scripts: ScriptRunner;
  readonly shutdown: ShutdownSwitch;
}

/** Starts a service before its time and waits until it is ready, or does not get ready: that is no reason not to go on. */
export async function startEarly(name: ServiceName, dependencies: EarlyDependencies): Promise<void> {
  const { set, settings } = dependencies;
  const directory = join(settings.config.serviceDirectory, name);
  settings.messages.info(`Starting ${name}...`);
  const logger = join(directory, 'log');
  if (checkProgram(join(logger, 'run')) === undefined) set.add(loggerOf(name), logger, { kind: 'boot' });
  set.add(name, directory, { kind: 'boot' });
  if (!(await becomesReady(name, dependencies))) settings.messages.warn(`${name} is not ready; going on without it`);
}

/** Ready is what its `check` says, sv(8), or one without that has settled. One that is not to be started is as ready as it gets. */
async function becomesReady(name: ServiceName, { set, scripts, shutdown }: EarlyDependencies): Promise<boolean> {
  const endMs = monotonicMs() + READY_WITHIN_MS;
  for (;;) {
    const status = set.get(name);
    if (status === undefined || shutdown.begun) return false;
    const { state, ready, desired, directory } = status;
    if (desired === 'down') return true;
    if (state !== 'down' && state !== 'starting' && state !== 'up') return false;
    const checked = checkProgram(join(directory, 'check')) === undefined;
    if (checked ? await scripts.check(directory, endMs - monotonicMs(), shutdown.signal) : ready) return true;
    if (monotonicMs() > endMs) return false;
    await delay(CHECK_AGAIN_MS);
  }
}
