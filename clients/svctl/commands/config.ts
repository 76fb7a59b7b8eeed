import {
  Definitions,
  type DefinitionsGetResponse,
  DefinitionsGetResponse as Message,
} from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';
import { originWords } from '../phrases.js';
import { tableText } from '../text/table.js';

export const config: Command = {
  name: 'config',
  summary: 'show the definitions in force, with the origin of each value',
  usage: '[NAME…]',
  operands: 'services',
  hosts: 'reads',
  description:
    'Shows the definition in force of each service, with the keys of service.yaml, and the file and line of each value. Values of environment variables are shown only to users who may change services.',
  examples: ['svctl config web', 'svctl config -o json | jq ".definitions[].name"'],
  options: [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for an answer')],
  run: showConfig,
};

async function showConfig(context: Context): Promise<ExitCode> {
  const response = await context.ask(Definitions.get, { names: [...context.operands] });
  if (context.format === 'table') context.print(sections(response, context));
  else context.json(Message.toJSON(response));
  return ExitCode.ok;
}

function sections({ definitions }: DefinitionsGetResponse, context: Context): string {
  return definitions
    .map(({ name, values, problem, changed }) => {
      const rows = values.map((value) => ({ cells: [value.key, value.value, originWords(value)] }));
      const notes = [problem, changed ? 'definition changed, svctl apply' : ''].filter((note) => note !== '');
      const last = rows.at(-1);
      const noted = rows.map((row) =>
        row === last ? { ...row, notes: notes.map((text) => ({ text, style: 'bad' as const })) } : row,
      );
      return tableText({ header: [name, 'VALUE', 'FROM'], rows: noted }, { paint: context.paint });
    })
    .join('\n');
}
