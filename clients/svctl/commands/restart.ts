import { durationOf, type OutcomeMessage, Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { ALL, NO_WAIT, operate, STOP_TIMEOUT, waiting, waitOption } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption, usage } from '../options.js';
import { changeSelector } from '../selector.js';
import { took } from '../text/duration.js';
import { startWords } from './start.js';

export const restart: Command = {
  name: 'restart',
  summary: 'stop services and start them again',
  usage: 'NAME… | --all',
  operands: 'services',
  description:
    'Stops the services that run and starts all of them, also those that were down. Waits until the new processes are ready. Replicas of a service are restarted one after the other, each once the previous one is ready, and none after the first failure; --at-once restarts them together.',
  examples: [
    'svctl restart memcached',
    'svctl restart memcached --wait started --timeout 5',
    'svctl restart web --at-once',
  ],
  options: [
    ALL,
    waitOption(['none', 'started', 'ready'], 'ready'),
    NO_WAIT,
    STOP_TIMEOUT,
    { name: 'at-once', help: 'restart all replicas of a service at the same time' },
    { name: 'rolling', help: 'go host by host, each once the previous one is ready; stop at a failure' },
    timeoutOption('how long to wait (the stop timeout and 30 s)'),
    outputOption(FORMATS),
  ],
  run: restartServices,
};

function restartServices(context: Context): Promise<ExitCode> {
  if (context.has('rolling') && (context.has('no-wait') || context.option('wait') === 'none')) {
    throw usage('restart: --rolling cannot be combined with --no-wait');
  }
  const selector = changeSelector(context.operands, context.has('all'), 'restart');
  const stopTimeout = durationOf(context.duration('stop-timeout'));
  return operate(
    context,
    Services.restart,
    { selector, requestId: '', ...waiting(context), stopTimeout, atOnce: context.has('at-once') },
    restartWords,
  );
}

function restartWords(outcome: OutcomeMessage): string {
  const { name, oldPid, service, seconds } = outcome;
  const pid = service?.pid ?? 0;
  if (oldPid === 0) return startWords({ ...outcome, changed: true });
  if (pid === 0 || pid === oldPid) return `${name}: restart requested (pid ${oldPid})`;
  return `${name} restarted: pid ${oldPid} → ${pid} in ${took(seconds)}`;
}
