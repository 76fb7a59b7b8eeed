import { type BootStep, GetBootResponse, Init } from '../../typescript/src/index.js';
import { at, axisEnd, outcomeOf, spanOf, waited } from '../boot/steps.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';
import { dateTime, took } from '../text/duration.js';
import type { Column } from '../text/fit.js';
import { type Row, tableText } from '../text/table.js';

const BAR_WIDTH = 32;

export const boot: Command = {
  name: 'boot',
  summary: 'show the boot as a timeline, and what readiness waited for',
  usage: '',
  operands: 'none',
  hosts: 'one',
  description:
    'Shows the startup scripts and services of the boot: which service each waited for, when it started, and when it was ready or completed. Steps with * are the critical path: the chain that decided when the container was ready, or that the container still waits for. To boot faster, begin there.',
  examples: [
    'svctl boot',
    'svctl boot -o svg > boot.svg',
    "svctl boot -o json | jq '.steps[] | select(.critical).name'",
  ],
  options: [outputOption(['table', 'json', 'jsonl', 'svg']), timeoutOption('how long to wait for an answer')],
  run: showBoot,
};

async function showBoot(context: Context): Promise<ExitCode> {
  const response = await context.ask(Init.getBoot, {});
  if (context.format === 'svg') {
    const { drawBoot } = await import('../boot/draw.js');
    context.print(drawBoot(response));
  } else if (context.format === 'table') context.print(timeline(response, context));
  else context.json(GetBootResponse.toJSON(response));
  return ExitCode.ok;
}

function timeline(response: GetBootResponse, context: Context): string {
  const { steps, bootedAt, readySeconds } = response;
  const end = axisEnd(response);
  const rows = steps.map((step): Row => {
    const outcome = outcomeOf(step);
    return {
      cells: [
        step.critical ? '*' : '',
        step.name,
        waited(step) || '-',
        at(step.startedSeconds),
        at(step.endedSeconds),
        { text: outcome.name, style: outcome.style },
        { text: bar(step, end), style: step.critical ? 'changing' : 'faint' },
      ],
    };
  });
  const booted = bootedAt === undefined ? '' : `Booted ${dateTime(bootedAt)}, `;
  const [state, chain] =
    readySeconds === undefined
      ? [`not ready after ${took(response.nowSeconds)}.`, 'Waits for']
      : [`ready after ${took(readySeconds)}.`, 'Critical path'];
  const header: readonly (string | Column)[] = [
    '',
    { title: 'STEP', least: 20 },
    { title: 'WAITED', expendable: 3 },
    { title: 'STARTED', right: true, expendable: 2 },
    { title: 'ENDED', right: true },
    'OUTCOME',
    { title: `0 … ${took(end)}`, expendable: 1 },
  ];
  const path = steps.filter(({ critical }) => critical).map(({ name }) => name);
  return `${booted}${state}\n\n${tableText({ header, rows }, context)}\n${chain}: ${path.join(' → ')}\n`;
}

/** Waiting is light, running is dark. */
function bar(step: BootStep, end: number): string {
  const span = spanOf(step, end);
  if (span === undefined || end === 0) return '';
  const column = (seconds: number): number => Math.min(BAR_WIDTH - 1, Math.round((seconds / end) * BAR_WIDTH));
  const [from, started] = [column(span.from), column(span.started)];
  const ran = step.startedSeconds === undefined ? 0 : Math.max(1, Math.round((span.until / end) * BAR_WIDTH) - started);
  return ' '.repeat(from) + '░'.repeat(started - from) + '█'.repeat(ran);
}
