import { durationOf, type OutcomeMessage, Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { ALL, operate } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption } from '../options.js';
import { holdWords } from '../phrases.js';
import { changeSelector } from '../selector.js';

export const hold: Command = {
  name: 'hold',
  summary: 'keep my_init from acting on services, for a time',
  usage: 'NAME… | --all',
  operands: 'services',
  description:
    'Keeps my_init from acting on the services by itself: a process that ends is not started again, and the live check and the watchdog stand still. Your own orders are carried out. The hold ends by itself; actions that were put off follow then.',
  examples: ['svctl hold db --for 15m --reason "heap dump"', 'svctl hold db --for 2h --through-shutdown'],
  options: [
    { name: 'for', value: 'TIME', help: 'how long (15m); 24h at most' },
    { name: 'reason', value: 'TEXT', help: 'why; shown with the service' },
    { name: 'through-shutdown', help: 'a shutdown sends no signal but KILL, at its deadline' },
    ALL,
    timeoutOption('how long to wait for an answer'),
    outputOption(FORMATS),
  ],
  run: holdServices,
};

export const release: Command = {
  name: 'release',
  summary: 'end a hold before its time',
  usage: 'NAME… | --all',
  operands: 'services',
  description:
    'Ends the hold of the services. Actions that were put off follow now: a service that has ended is started.',
  examples: ['svctl release db'],
  options: [ALL, timeoutOption('how long to wait for an answer'), outputOption(FORMATS)],
  run: releaseServices,
};

function holdServices(context: Context): Promise<ExitCode> {
  const request = {
    selector: changeSelector(context.operands, context.has('all'), 'hold'),
    requestId: '',
    duration: durationOf(context.duration('for')),
    reason: context.option('reason') ?? '',
    throughShutdown: context.has('through-shutdown'),
  };
  return operate(context, Services.hold, request, heldWords);
}

function releaseServices(context: Context): Promise<ExitCode> {
  const selector = changeSelector(context.operands, context.has('all'), 'release');
  return operate(context, Services.release, { selector, requestId: '' }, ({ name, changed }) =>
    changed ? `${name} is released` : `${name} was not held`,
  );
}

function heldWords({ name, service }: OutcomeMessage): string {
  const held = service?.hold === undefined ? 'held' : holdWords(service.hold, Date.now());
  return `${name} is ${held}; svctl release ${name} ends it`;
}
