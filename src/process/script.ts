import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { ExitStatus } from '../types/service.js';
import { standardError } from './last-words.js';
import type { RealProcessHost, SpawnOrder } from './process-host.js';
import type { SessionSweeper } from './session-sweeper.js';
import type { LaunchFailure } from './start-register.js';

/** From TERM to KILL of a script whose time is up. */
const KILL_AFTER_MS = 2_000;

/** How a script ended. */
export interface ScriptEnd {
  readonly status: ExitStatus;
  /** Its time was up and it was ended. */
  readonly timedOut: boolean;
  /** Why it could not be executed at all. */
  readonly failure: LaunchFailure | undefined;
}

/** Only containers with startup scripts or hooks pay for it. */
export const loadScripts = () => import('execa');

/**
 * Runs a short-lived program to its end, in a session of its own, with my_init's standard input. What it leaves running in the
 * background is left alone, unless it had to be ended. `timeoutMs` 0 is no limit; `stop` ends it early; `spawned` hears its pid.
 */
export async function runScript(
  host: RealProcessHost,
  sweeper: SessionSweeper,
  order: Omit<SpawnOrder, 'as'>,
  timeoutMs: number,
  stop: AbortSignal,
  spawned: (pid: number) => void,
): Promise<ScriptEnd> {
  const { execa } = await loadScripts();
  const launch = host.prepare({ ...order, as: 'session' });
  const running = execa(launch.file, launch.args, {
    argv0: 'launch',
    env: {},
    extendEnv: false,
    // Node takes descriptors above 2 too; execa's types leave them out.
    stdio: [
      'inherit',
      order.output?.stdout ?? 'inherit',
      order.output?.stderr ?? standardError(),
      launch.environment,
      launch.register,
    ] as unknown as ['inherit', 'inherit', 'inherit'],
    reject: false,
    cleanup: false,
    buffer: false,
    timeout: timeoutMs === 0 ? undefined : timeoutMs,
    forceKillAfterDelay: KILL_AFTER_MS,
    cancelSignal: stop,
  });
  closeSync(launch.environment);
  const { pid } = running;
  if (pid !== undefined) {
    host.watch(pid);
    spawned(pid);
  }
  const result = await running;
  const ended = result.timedOut || result.isCanceled;
  if (pid !== undefined && ended) await sweeper.sweep(pid);
  if (pid !== undefined) host.took(pid);
  return {
    status: statusOf(result),
    timedOut: result.timedOut,
    failure:
      pid === undefined
        ? { stage: 'spawn', code: result.code ?? 'unknown' }
        : host.failureOf(pid, result.exitCode, launch.offset),
  };
}

/** Waits for a script that an earlier controller has started, or ends it when `stop` says so. */
export async function awaitScript(
  host: RealProcessHost,
  sweeper: SessionSweeper,
  pid: number,
  stop: AbortSignal,
): Promise<void> {
  const end = new Promise<void>((resolve) => host.adopt(pid, () => resolve()));
  let timer: NodeJS.Timeout | undefined;
  const terminate = (): void => {
    void host.signal(pid, 'SIGTERM', false);
    timer = setTimeout(() => void host.signal(pid, 'SIGKILL', false), KILL_AFTER_MS);
  };
  if (stop.aborted) terminate();
  else stop.addEventListener('abort', terminate, { once: true });
  await end;
  stop.removeEventListener('abort', terminate);
  clearTimeout(timer);
  if (stop.aborted) await sweeper.sweep(pid);
}

function statusOf(result: { readonly exitCode?: number; readonly signal?: NodeJS.Signals }): ExitStatus {
  if (result.signal !== undefined)
    return { kind: 'signaled', signal: constants.signals[result.signal], coreDumped: false };
  return result.exitCode === undefined ? { kind: 'lost' } : { kind: 'exited', code: result.exitCode };
}
