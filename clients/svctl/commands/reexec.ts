import { setTimeout as delay } from 'node:timers/promises';
import { type GetInfoResponse, Init, ReexecResponse } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';
import { Problem } from '../problem.js';
import { took } from '../text/duration.js';

export const reexec: Command = {
  name: 'reexec',
  summary: 'replace the controller by the program on disk',
  usage: '',
  operands: 'none',
  description:
    'Replaces the controller, the part of my_init that decides and answers, by the program on disk: after an upgrade, or to clear a fault. Services, their counters and timers, logs and connections to the services are not touched. Waits until the new controller answers.',
  examples: ['svctl reexec'],
  options: [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for the new controller (30 s)')],
  run: replaceController,
};

/** The program on disk is tried first, then started: seconds on a machine that is busy. */
const STANDARD_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 10;

async function replaceController(context: Context): Promise<ExitCode> {
  const timeoutMs = context.duration('timeout') ?? STANDARD_TIMEOUT_MS;
  const began = performance.now();
  const response = await context.order(Init.reexec, { requestId: '' }, timeoutMs);
  const leftMs = Math.max(0, timeoutMs - (performance.now() - began));
  const after = await nextController(context, response.controllerPid, leftMs);
  if (context.format !== 'table') {
    context.json({ ...(ReexecResponse.toJSON(response) as object), newControllerPid: after.controllerPid });
    return ExitCode.ok;
  }
  const versions =
    after.version === response.versionBefore ? '' : `, version ${response.versionBefore} → ${after.version}`;
  const pids = `pid ${response.controllerPid} → ${after.controllerPid}`;
  context.line(`controller replaced: ${pids}${versions} in ${took((performance.now() - began) / 1000)}`);
  return ExitCode.ok;
}

async function nextController(context: Context, pidBefore: number, timeoutMs: number): Promise<GetInfoResponse> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    context.drop();
    const info = await context.ask(Init.getInfo, {});
    if (info.controllerPid !== pidBefore) return info;
    if (performance.now() > deadlineMs) {
      const hint = 'svctl logs my_init may say why.';
      throw new Problem(ExitCode.timedOut, `the controller (pid ${pidBefore}) has not been replaced yet`, hint);
    }
    await delay(LOOK_EVERY_MS);
  }
}
