import { type AppliedChange, ApplyAction, ApplyResponse, Definitions } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';
import { tableText } from '../text/table.js';

const OPTIONS = [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for an answer')];

export const diff: Command = {
  name: 'diff',
  summary: 'show what svctl apply would do',
  usage: '[NAME…]',
  operands: 'services',
  hosts: 'reads',
  description:
    'Compares the definitions in force with the files, and shows what svctl apply would do to each service that differs: put the new values in force, restart, start or stop it.',
  examples: ['svctl diff', 'svctl diff web'],
  options: OPTIONS,
  run: (context) => showChanges(context, true),
};

export const apply: Command = {
  name: 'apply',
  summary: 'apply changed definitions',
  usage: '[NAME…]',
  operands: 'services',
  description:
    'Puts the definitions in the files in force. Only services that differ are touched. A definition with a problem is not applied: the service keeps the one in force, and the exit code is 1.',
  examples: ['svctl apply', 'svctl apply web'],
  options: OPTIONS,
  run: (context) => showChanges(context, false),
};

const ACTIONS: Readonly<Record<number, string>> = {
  [ApplyAction.APPLY_ACTION_TAKE]: 'take over',
  [ApplyAction.APPLY_ACTION_RESTART]: 'restart',
  [ApplyAction.APPLY_ACTION_START]: 'start',
  [ApplyAction.APPLY_ACTION_STOP]: 'stop',
};

async function showChanges(context: Context, dryRun: boolean): Promise<ExitCode> {
  const response = await context.order(Definitions.apply, { names: [...context.operands], dryRun, requestId: '' });
  if (context.format === 'table') context.print(changeTable(response.changes, context));
  else context.json(ApplyResponse.toJSON(response));
  return response.changes.some(({ problem }) => problem !== '') ? ExitCode.failed : ExitCode.ok;
}

function changeTable(changes: readonly AppliedChange[], context: Context): string {
  const rows = changes
    .filter(({ action, problem }) => action !== ApplyAction.APPLY_ACTION_NOTHING || problem !== '')
    .map(({ name, action, keys, problem }) => ({
      cells: [name, problem === '' ? (ACTIONS[action] ?? '') : 'none', keys.join(', ')],
      notes: problem === '' ? [] : [{ text: problem, style: 'bad' as const }],
    }));
  return rows.length === 0
    ? 'Nothing differs.\n'
    : tableText({ header: [{ title: 'NAME', least: 24 }, 'ACTION', { title: 'KEYS', least: 20 }], rows }, context);
}
