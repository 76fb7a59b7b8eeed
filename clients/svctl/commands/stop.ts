import { durationOf, type OutcomeMessage, ServiceState, Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { ALL, NO_WAIT, operate, STOP_TIMEOUT, waiting, waitOption } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption } from '../options.js';
import { exitWords } from '../phrases.js';
import { changeSelector } from '../selector.js';
import { took } from '../text/duration.js';

export const stop: Command = {
  name: 'stop',
  summary: 'stop services',
  usage: 'NAME… | --all',
  operands: 'services',
  description:
    'Stops the services: sends TERM, and KILL when they have not ended within their stop timeout. From now on their desired state is down. Waits until they and their leftovers are gone.',
  examples: ['svctl stop memcached', 'svctl stop slow --stop-timeout 60', 'svctl stop db --with-dependents'],
  options: [
    ALL,
    waitOption(['none', 'stopped'], 'stopped'),
    NO_WAIT,
    STOP_TIMEOUT,
    { name: 'with-dependents', help: 'first stop the services that depend on them' },
    timeoutOption('how long to wait (the stop timeout and 10 s)'),
    outputOption(FORMATS),
  ],
  run: stopServices,
};

function stopServices(context: Context): Promise<ExitCode> {
  const selector = changeSelector(context.operands, context.has('all'), 'stop');
  const stopTimeout = durationOf(context.duration('stop-timeout'));
  const withDependents = context.has('with-dependents');
  const request = { selector, requestId: '', ...waiting(context), stopTimeout, withDependents };
  return operate(context, Services.stop, request, (outcome) => `${stopWords(outcome)}${dependentWords(outcome)}`);
}

function stopWords({ name, changed, oldPid, service, seconds }: OutcomeMessage): string {
  if (!changed) return `${name} is already down`;
  const pid = oldPid === 0 ? '' : `pid ${oldPid}`;
  if (service !== undefined && service.state !== ServiceState.SERVICE_STATE_DOWN) {
    return `${name} is to stop${pid === '' ? '' : ` (${pid})`}`;
  }
  if (pid === '') return `${name} stopped; it had no process`;
  const exit = service?.lastExit === undefined ? '' : ` (${exitWords(service.lastExit)})`;
  return `${name} stopped: ${pid}${exit} in ${took(seconds)}`;
}

/** The dependents, which keep running without the stopped service. */
function dependentWords({ name, dependents }: OutcomeMessage): string {
  if (dependents.length === 0) return '';
  return `; ${new Intl.ListFormat('en').format(dependents)} ${dependents.length === 1 ? 'depends' : 'depend'} on ${name}`;
}
