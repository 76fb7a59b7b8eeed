import { Init, RescanResponse } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';

export const rescan: Command = {
  name: 'rescan',
  summary: 'read the services directory now',
  usage: '',
  operands: 'none',
  description:
    'Reads the services directory now. The kernel reports changes to my_init; rescan is for file systems that do not.',
  examples: ['svctl rescan'],
  options: [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for an answer')],
  run: rescanServices,
};

async function rescanServices(context: Context): Promise<ExitCode> {
  const response = await context.order(Init.rescan, { requestId: '' });
  if (context.format !== 'table') {
    context.json(RescanResponse.toJSON(response));
    return ExitCode.ok;
  }
  for (const name of response.added) context.line(`${name} added`);
  for (const name of response.removed) context.line(`${name} removed`);
  if (response.added.length + response.removed.length === 0) context.line('nothing has changed');
  for (const { name, reason } of response.skipped) context.note(`${name} is no service: ${reason}`);
  return ExitCode.ok;
}
