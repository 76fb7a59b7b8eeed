import type { Cause } from '../types/service.js';
import type { Service } from './service.js';
import { isLogger } from './service-directory.js';
import type { ServiceSet } from './service-set.js';

const SV: Cause = { kind: 'sv' };
/** runsv(8) kills nothing on its own. */
const NEVER = Number.POSITIVE_INFINITY;

const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = {
  a: 'SIGALRM',
  h: 'SIGHUP',
  i: 'SIGINT',
  q: 'SIGQUIT',
  1: 'SIGUSR1',
  2: 'SIGUSR2',
  p: 'SIGSTOP',
  c: 'SIGCONT',
};

/**
 * Carries out a command of runsv(8), a character that was written to `supervise/control`. Resolves
 * when its control scripts have run. Unknown characters and commands without effect in this state
 * are ignored.
 */
export async function obey(set: ServiceSet, service: Service, command: string): Promise<void> {
  switch (command) {
    case 'u':
      set.start(service, { cause: SV });
      break;
    case 'd':
      service.dispatch({ type: 'stop', why: 'asked', cause: SV, timeoutMs: NEVER, insist: true });
      break;
    case 'o':
      once(set, service);
      break;
    case 'x':
      // A logger goes with its service.
      if (!isLogger(service.name))
        service.dispatch({ type: 'stop', why: 'released', cause: SV, timeoutMs: NEVER, insist: true });
      break;
    case 't':
    case 'k':
      await endRun(service, command);
      break;
    default:
      await signal(service, command);
  }
  while (service.scripts.running !== undefined) await service.scripts.running;
}

/** Goes on with the control scripts that an earlier controller had begun on behalf of a command. */
export function resumeScripts(set: ServiceSet, service: Service): void {
  for (const letter of service.scripts.begun) {
    const isCommand = letter === 't' || letter === 'k' || letter in SIGNALS;
    void (isCommand && service.status.pid !== 0 ? obey(set, service, letter) : service.script(letter));
  }
}

/** `sv once`: a present run is the wanted run; nothing follows it. */
function once(set: ServiceSet, service: Service): void {
  const { state } = service.status;
  if (state === 'stopping' || state === 'finishing')
    service.dispatch({ type: 'stop', why: 'asked', cause: SV, timeoutMs: NEVER });
  else set.start(service, { cause: SV, once: true });
}

/** The script first: where it takes the place of the signal, the run may go on. */
async function endRun(service: Service, letter: 't' | 'k'): Promise<void> {
  const { pid, run } = service.status;
  if (pid === 0) return;
  const handled = await service.script(letter);
  if (service.status.run !== run || service.status.pid === 0) return;
  if (!handled) service.dispatch({ type: 'end_run', signal: letter === 't' ? 'TERM' : 'KILL', cause: SV });
  else if (letter === 't') service.dispatch({ type: 'end_requested', cause: SV });
}

async function signal(service: Service, letter: string): Promise<void> {
  const name = SIGNALS[letter];
  if (name !== undefined) await service.control(letter as Parameters<Service['control']>[0], name);
}
