import { constants } from 'node:os';
import { nearest } from '../../../src/text/nearest-name.js';
import { type OutcomeMessage, Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { ALL, operate } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption, usage } from '../options.js';
import { changeSelector } from '../selector.js';

const { signals } = constants;

/** Signals that a person may want to send, for the completion. */
export const SIGNALS = ['HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2', 'TERM', 'CONT', 'STOP', 'ALRM', 'WINCH'];

export const reload: Command = {
  name: 'reload',
  summary: 'make services read their configuration again',
  usage: 'NAME… | --all',
  operands: 'services',
  description:
    'Makes the services read their configuration again, as `reload` of their definition says: by HUP, another signal, or a command.',
  examples: ['svctl reload nginx'],
  options: [ALL, timeoutOption('how long to wait for an answer'), outputOption(FORMATS)],
  run: reloadServices,
};

export const signal: Command = {
  name: 'signal',
  summary: 'send a signal to services',
  usage: 'SIGNAL NAME… | SIGNAL --all',
  operands: 'signal-and-services',
  description:
    'Sends a signal (HUP, SIGHUP or 1) to the process of each service, or with --group to its process group.',
  examples: ['svctl signal USR1 nginx', 'svctl signal KILL --group stuck'],
  options: [
    { name: 'group', help: 'signal the whole process group' },
    { name: 'run-id', value: 'ID', help: 'signal only this run' },
    ALL,
    timeoutOption('how long to wait for an answer'),
    outputOption(FORMATS),
  ],
  run: signalServices,
};

function reloadServices(context: Context): Promise<ExitCode> {
  const selector = changeSelector(context.operands, context.has('all'), 'reload');
  return operate(context, Services.reload, { selector, requestId: '' }, reloadWords);
}

function signalServices(context: Context): Promise<ExitCode> {
  const [name, ...services] = context.operands;
  if (name === undefined)
    throw usage('signal: which signal?', 'svctl signal SIGNAL NAME…, like: svctl signal USR1 nginx');
  if (!isSignal(name)) {
    const meant = nearest(name.toUpperCase().replace(/^SIG/, ''), SIGNALS);
    throw usage(
      `there is no signal "${name}"${meant === undefined ? '' : `. Did you mean ${meant}?`}`,
      'svctl signal SIGNAL NAME…, like: svctl signal USR1 nginx',
    );
  }
  const selector = changeSelector(services, context.has('all'), `signal ${name}`);
  const request = {
    selector,
    requestId: '',
    signal: name.toUpperCase(),
    group: context.has('group'),
    expectedRunId: context.option('run-id') ?? '',
  };
  return operate(context, Services.signal, request, (outcome) => sentWords(outcome, plain(request.signal)));
}

/** A number, or a name with or without SIG. */
function isSignal(name: string): boolean {
  const upper = name.toUpperCase();
  return /^\d+$/.test(name) || [upper, `SIG${upper}`].some((candidate) => Object.hasOwn(signals, candidate));
}

const reloadWords = ({ name, oldPid }: OutcomeMessage): string =>
  `${name}: reloaded${oldPid === 0 ? '' : ` (pid ${oldPid})`}`;

function sentWords({ name, oldPid, service }: OutcomeMessage, signalName: string): string {
  const pid = oldPid === 0 ? (service?.pid ?? 0) : oldPid;
  return `${name}: ${signalName} sent${pid === 0 ? '' : ` to pid ${pid}`}`;
}

function plain(signalName: string): string {
  return /^\d+$/.test(signalName) ? `signal ${signalName}` : signalName.replace(/^SIG/, '');
}
