import { printable } from '../../../src/text/printable.js';
import { Definitions, ExplainResponse } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';
import { serviceLines } from '../service-lines.js';

export const explain: Command = {
  name: 'explain',
  summary: 'explain why a service is in its state',
  usage: 'NAME',
  operands: 'services',
  hosts: 'reads',
  description:
    'Explains the state of a service, with the whole chain of services that it waits for, the root of the trouble first: the facts, the last exit with its last lines, the rule of the definition that decided, the next step with its time, and what you can do.',
  examples: ['svctl explain web'],
  options: [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for an answer')],
  run: showExplanation,
};

async function showExplanation(context: Context): Promise<ExitCode> {
  const [name, ...rest] = context.operands;
  if (name === undefined || rest.length > 0) {
    context.note('explain takes the name of one service: svctl explain NAME');
    return ExitCode.usage;
  }
  const response = await context.ask(Definitions.explain, { name });
  if (context.format !== 'table') {
    context.json(ExplainResponse.toJSON(response));
    return ExitCode.ok;
  }
  const troubled = response.steps.filter(({ seeLog }) => seeLog);
  const lines = await serviceLines(
    context,
    troubled.map(({ service }) => service),
  );
  for (const { service, facts, next, remedies } of response.steps) {
    const said = (lines.get(service) ?? []).map((text) => context.paint('faint', `| ${printable(text)}`));
    const todo = remedies.map((remedy) => `→ ${printable(remedy)}`);
    const all = [...facts.map(printable), ...said, ...(next === '' ? [] : [printable(next)]), ...todo];
    context.print(`${context.paint('good', printable(service))}\n${all.map((line) => `  ${line}\n`).join('')}`);
  }
  return ExitCode.ok;
}
