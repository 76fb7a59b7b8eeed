import type { Cause } from '../types/service.js';
import type { Service } from './service.js';
import { loggedBy } from './service-directory.js';

const SV: Cause = { kind: 'sv' };
/** runsv(8) kills nothing that it was not told to kill. */
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
 * Carries out a command of runsv(8), a character that was written to `supervise/control`. Resolves when the control scripts that it
 * takes have run; what it cannot mean, or what is no command, is nothing.
 */
export async function obey(service: Service, command: string): Promise<void> {
  switch (command) {
    case 'u':
      service.dispatch({ type: 'start', cause: SV });
      break;
    case 'd':
      service.dispatch({ type: 'stop', cause: SV, timeoutMs: NEVER, insist: true });
      break;
    case 'o':
      once(service);
      break;
    case 'x':
      // A logger goes with its service.
      if (loggedBy(service.name) === undefined) service.dispatch({ type: 'leave', cause: SV });
      break;
    case 't':
    case 'k':
      await endRun(service, command);
      break;
    default:
      await signal(service, command);
  }
  while (service.controlling !== undefined) await service.controlling;
}

/** Goes on with the control scripts that an earlier controller had begun on behalf of a command. */
export function goOnWithScripts(service: Service): void {
  for (const letter of service.begunScripts) {
    const isCommand = letter === 't' || letter === 'k' || letter in SIGNALS;
    void (isCommand && service.status.pid !== 0 ? obey(service, letter) : service.script(letter));
  }
}

/** A run that is there is the one that is wanted; what follows it is nothing. */
function once(service: Service): void {
  const { state } = service.status;
  if (state === 'stopping' || state === 'finishing') service.dispatch({ type: 'stop', cause: SV, timeoutMs: NEVER });
  else service.dispatch({ type: 'start', cause: SV, once: true });
}

/** The script first: where it has taken the matter into its hands, the run may go on. */
async function endRun(service: Service, letter: 't' | 'k'): Promise<void> {
  const { pid, run } = service.status;
  if (pid === 0) return;
  const handled = await service.script(letter);
  if (service.status.run !== run || service.status.pid === 0) return;
  if (!handled) service.dispatch({ type: letter === 't' ? 'terminate' : 'kill', cause: SV });
  else if (letter === 't') {
    service.dispatch({ type: 'told', cause: SV });
    await afterTold(service);
  }
}

/** What comes after `control/t` where the service is wanted down: the same as after TERM. */
async function afterTold(service: Service): Promise<void> {
  const { desired, leaving, run } = service.status;
  if (desired === 'up') return;
  await service.signal('SIGCONT', false);
  if (service.status.run === run) await service.script(leaving ? 'x' : 'd');
}

async function signal(service: Service, letter: string): Promise<void> {
  const name = SIGNALS[letter];
  if (name !== undefined) await service.control(letter as Parameters<Service['control']>[0], name);
}
