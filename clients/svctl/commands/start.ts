import { type OutcomeMessage, ServiceState, Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { ALL, NO_WAIT, operate, waiting, waitOption } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption } from '../options.js';
import { fullState } from '../phrases.js';
import { changeSelector } from '../selector.js';
import { took } from '../text/duration.js';

const OPTIONS = [
  ALL,
  waitOption(['none', 'started', 'ready'], 'ready'),
  NO_WAIT,
  timeoutOption('how long to wait (30 s)'),
  outputOption(FORMATS),
];

export const start: Command = {
  name: 'start',
  summary: 'start services',
  usage: 'NAME… | --all',
  operands: 'services',
  description:
    'Starts the services and keeps them running: from now on their desired state is up. Waits until they are ready. A service that is up already is left alone.',
  examples: ['svctl start memcached', "svctl start 'web-*' --timeout 1m", 'svctl start --all --no-wait'],
  options: OPTIONS,
  run: (context) => startServices(context, false),
};

export const once: Command = {
  name: 'once',
  summary: 'start services and let them end',
  usage: 'NAME… | --all',
  operands: 'services',
  description: 'Starts the services, and does not start them again when they end.',
  examples: ['svctl once migrate-database'],
  options: OPTIONS,
  run: (context) => startServices(context, true),
};

function startServices(context: Context, isOnce: boolean): Promise<ExitCode> {
  const selector = changeSelector(context.operands, context.has('all'), isOnce ? 'once' : 'start');
  return operate(context, Services.start, { selector, requestId: '', ...waiting(context), once: isOnce }, (outcome) =>
    startWords(outcome, isOnce),
  );
}

/** Also for a restart of a service that was down. */
export function startWords({ name, changed, service, seconds, oldPid }: OutcomeMessage, isOnce = false): string {
  const pid = service?.pid ?? 0;
  if (!changed) {
    const state = service === undefined ? 'up' : fullState(service);
    return `${name} is already ${state}${pid === 0 ? '' : ` (pid ${pid})`}`;
  }
  if (isOnce && pid !== 0 && pid === oldPid)
    return `${name} keeps running (pid ${pid}), and is not started again when it ends`;
  const started = isOnce ? 'started once' : 'started';
  if (pid !== 0) return `${name} ${started}: pid ${pid} in ${took(seconds)}`;
  const ended = service?.state === ServiceState.SERVICE_STATE_DOWN && isOnce;
  return ended ? `${name} ${started}, and has ended` : `${name} is to start`;
}
