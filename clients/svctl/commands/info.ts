import { describeLimits } from '../../../src/text/limits.js';
import { printable } from '../../../src/text/printable.js';
import { GetInfoResponse, Init } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { limitValues } from '../limit-values.js';
import { outputOption, timeoutOption } from '../options.js';
import { lossWords, phaseName } from '../phrases.js';
import { dateTime, span } from '../text/duration.js';

export const info: Command = {
  name: 'info',
  summary: 'show the version, phase and addresses of my_init',
  usage: '',
  operands: 'none',
  hosts: 'reads',
  description:
    'Shows the version of my_init, its place in the container, its phase, its addresses and what you may do.',
  examples: ['svctl info', 'svctl info -o json | jq -r .bootId'],
  options: [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for an answer')],
  run: showInfo,
};

async function showInfo(context: Context): Promise<ExitCode> {
  const response = await context.ask(Init.getInfo, {});
  if (context.format !== 'table') {
    context.json(GetInfoResponse.toJSON(response));
    return ExitCode.ok;
  }
  const nowMs = Date.now();
  const lines = facts(response, nowMs);
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, value] of lines) {
    context.print(`${context.paint('faint', name.padEnd(width))}  ${printable(value)}\n`);
  }
  return ExitCode.ok;
}

function facts(response: GetInfoResponse, nowMs: number): [string, string][] {
  const { bootedAt, controllerStartedAt } = response;
  return [
    ['my_init', `${response.version}, pid ${response.pid}${place(response)}`],
    ['phase', phaseName(response.phase)],
    ['booted', bootedAt === undefined ? '-' : `${dateTime(bootedAt)}, ${span(nowMs - bootedAt.getTime())} ago`],
    ['boot id', response.bootId],
    [
      'controller',
      `pid ${response.controllerPid}, Node ${response.nodeVersion}${
        controllerStartedAt === undefined ? '' : `, up ${span(nowMs - controllerStartedAt.getTime())}`
      }, ${restarts(response)}`,
    ],
    ...lastEnd(response, nowMs),
    ['services', response.serviceDirectory],
    ['socket', response.socket],
    ['http', response.httpAddress === '' ? 'off' : response.httpAddress],
    ['shutdown', `within ${response.shutdownTimeoutSeconds} s`],
    ...(response.limits === undefined
      ? []
      : [['limits', describeLimits(limitValues(response.limits))] satisfies [string, string]]),
    ...response.logLosses.map((loss): [string, string] => ['logs', lossWords(loss)]),
    ['orphans', `${response.zombiesReapedTotal} reaped`],
    ['you', response.mayChange ? 'may change things' : 'may only read'],
  ];
}

/** `3 restarts (2 reexec, 1 heap)`. */
function restarts({ controllerRestarts, controllerEnds }: GetInfoResponse): string {
  const causes = Object.entries(controllerEnds).filter(([, count]) => count > 0);
  const listed = causes.map(([cause, count]) => `${count} ${cause}`).join(', ');
  const number = controllerRestarts === 1 ? '1 restart' : `${controllerRestarts} restarts`;
  return listed === '' ? number : `${number} (${listed})`;
}

/** The end of the previous controller, unless somebody asked for it. */
function lastEnd({ lastControllerEnd: end }: GetInfoResponse, nowMs: number): [string, string][] {
  if (end === undefined || end.cause === 'reexec') return [];
  const ago = end.at === undefined ? '' : ` ${span(nowMs - end.at.getTime())} ago`;
  return [['last one', `${end.text}${ago}${end.lastWords === '' ? '' : `: ${end.lastWords}`}`]];
}

function place({ pid1, subreaper }: GetInfoResponse): string {
  if (pid1) return ' (init of its PID namespace)';
  return subreaper ? ' (not PID 1: adopts the orphans of its descendants)' : ' (not PID 1, adopts no orphans)';
}
