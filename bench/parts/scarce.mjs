/**
 * A part of one CPU: the time until the first service runs, the time until the API answers, and
 * whether a TERM in between ends the container in order.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { apiAnswers } from '../api.mjs';
import { NODE } from '../commands.mjs';
import { Container, nowMs } from '../container.mjs';
import { quota } from '../quota.mjs';
import { SUPERVISORS } from '../supervisors.mjs';
import { STOPWATCH } from '../tools.mjs';

const { my_init, runit, s6, supervisord, pebble, processCompose } = SUPERVISORS;

const PERCENTS = [20, 10, 5];
const SERVICES = 3;
const TERM_AFTER_MS = 50;
/** The grace period of Kubernetes. */
const STOPPED_WITHIN_MS = 30_000;

export const rounds = 2;
export const contenders = quotaIsThere() ? [my_init, NODE, runit, s6, supervisord, pebble, processCompose] : [];

export async function run(contender, record) {
  for (const percent of PERCENTS) {
    const group = quota(percent);
    const title = (what) => `${percent} % of a CPU: ${what}`;
    try {
      if (contender === NODE) record(title('first service'), 'ms', await timeNode(group.enter));
      else await measure(contender, group.enter, (what, unit, value) => record(title(what), unit, value));
    } finally {
      await group.dispose();
    }
  }
}

async function measure(contender, enter, record) {
  const container = new Container(contender.prepare(SERVICES), enter);
  try {
    const { begunMs, starts } = await container.started(1);
    record('first service', 'ms', starts[0].atMs - begunMs);
    if (contender !== my_init) return;
    await apiAnswers(container);
    record('API answers', 'ms', nowMs() - begunMs);
    await container.started(SERVICES);
    const [, controller] = container.supervisors();
    const killed = nowMs();
    process.kill(controller, 'SIGKILL');
    await apiAnswers(container);
    record('controller killed to the next answer', 'ms', nowMs() - killed);
  } finally {
    await container.dispose();
  }
  const early = new Container(contender.prepare(SERVICES), enter);
  try {
    await early.begun();
    await delay(TERM_AFTER_MS);
    const { ms, code } = await early.stop(contender.stop, STOPPED_WITHIN_MS);
    record(`TERM ${TERM_AFTER_MS} ms after the start: until the end`, 'ms', ms ?? STOPPED_WITHIN_MS);
    record(`TERM ${TERM_AFTER_MS} ms after the start: exit code`, '', code ?? 137);
  } finally {
    await early.dispose();
  }
}

async function timeNode(enter) {
  const { stdout } = await promisify(execFile)('sh', ['-c', `${enter} && exec ${STOPWATCH} time node -e 0`]);
  return Number(stdout.split(' ')[0]);
}

function quotaIsThere() {
  const group = quota(100);
  void group?.dispose();
  return group !== undefined;
}
