import { type OutcomeMessage, Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { ALL, operate } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption } from '../options.js';
import { fullState } from '../phrases.js';
import { changeSelector } from '../selector.js';

export const reset: Command = {
  name: 'reset',
  summary: 'forget the failures of services',
  usage: 'NAME… | --all',
  operands: 'services',
  description:
    'Forgets failures and ends back-off: a service that was given up or waits for its next attempt is started, and its start limit and delay start over. A running process is not touched, and a service that is down stays down.',
  examples: ['svctl reset web', 'svctl reset --all'],
  options: [ALL, timeoutOption('how long to wait for an answer'), outputOption(FORMATS)],
  run: (context: Context): Promise<ExitCode> => {
    const selector = changeSelector(context.operands, context.has('all'), 'reset');
    return operate(context, Services.reset, { selector, requestId: '' }, resetWords);
  },
};

function resetWords({ name, changed, service }: OutcomeMessage): string {
  if (!changed) return `${name} has no failures to forget`;
  return `${name} is reset${service === undefined ? '' : `: it is ${fullState(service)}`}`;
}
