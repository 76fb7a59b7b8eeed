/** The API with five hundred services: calls, and many watchers while many services change. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, RestartRequest, WaitLevel, WatchResponse } from '../api.mjs';
import { Container, nowMs, settled, until } from '../container.mjs';
import { cpuMs } from '../proc.mjs';
import { SUPERVISORS } from '../supervisors.mjs';

const SERVICES = 500;
const CALLS = 5_000;
const WATCHERS = 100;
/** A restart is four changes: stopping, down, starting, up. */
const RESTARTS_A_SECOND = 250;
const SECONDS = 5;

export const rounds = 1;
export const contenders = [SUPERVISORS.my_init];

export async function run(contender, record) {
  const container = new Container(contender.prepare(SERVICES));
  try {
    await container.started(SERVICES);
    await settled(() => container.supervisors(), 1_000);
    const controller = container.supervisors()[1];
    const client = connect(container);
    for (const [title, call] of [
      ['Get', () => client.get({ name: 'web-7' })],
      [`List of ${SERVICES}`, () => client.listUnread()],
    ])
      for (const atOnce of [1, 16]) await calls(`${title}, ${atOnce} at once`, call, atOnce, controller, record);
    await watchers(container, client, controller, record);
    client.close();
  } finally {
    await container.dispose();
  }
}

async function calls(title, call, atOnce, controller, record) {
  const cpu = cpuMs(controller);
  const begun = nowMs();
  let left = title.startsWith('List') ? CALLS / 10 : CALLS;
  const count = left;
  const one = async () => {
    while (left-- > 0) {
      const asked = nowMs();
      await call();
      record(`${title}: time of a call`, 'ms', nowMs() - asked);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  record(`${title}: calls`, 'per second', count / ((nowMs() - begun) / 1000));
  record(`${title}: CPU of the controller`, 'ms per call', (cpuMs(controller) - cpu) / count);
}

/** A change that is neither reported nor counted in a gap would be a bug of my_init. */
async function watchers(container, client, controller, record) {
  const watching = Array.from({ length: WATCHERS }, () => watch(container));
  await Promise.all(watching.map(({ ready }) => ready));
  const cpu = cpuMs(controller);
  const begun = nowMs();
  for (let second = 0; second < SECONDS; second++) {
    const names = Array.from(
      { length: RESTARTS_A_SECOND },
      (_, at) => `web-${((second % 2) * RESTARTS_A_SECOND) + at + 1}`,
    );
    await client.restart(RestartRequest.fromPartial({ selector: { names }, wait: WaitLevel.WAIT_LEVEL_READY }));
    await delay(Math.max(0, begun + (second + 1) * 1000 - nowMs()));
  }
  const seconds = (nowMs() - begun) / 1000;
  const { revision } = await client.list({});
  const caughtUp = () => watching.every(({ state }) => state.last >= Number(revision));
  // A watcher that never learns of every change shows in the table.
  await until('all to be told', 30_000, caughtUp).catch(() => {});
  const title = `${WATCHERS} watchers`;
  record(`${title}: changes`, 'per second', (Number(revision) - watching[0].state.first) / seconds);
  record(`${title}: until all know everything`, 'ms', nowMs() - begun - seconds * 1000);
  for (const { state, close } of watching) {
    close();
    record(`${title}: changes told to each`, '', state.told);
    record(`${title}: changes told as missing`, '', state.missing);
    record(`${title}: changes lost without a word`, '', Number(revision) - state.last);
  }
  record(`${title}: CPU of the controller`, 'ms per second', (cpuMs(controller) - cpu) / ((nowMs() - begun) / 1000));
}

/**
 * The type of an answer, by its first byte: the number of its field. Decoding whole answers would
 * be most of the work.
 */
const [SNAPSHOT, CHANGE, GAP] = [2, 3, 5].map((field) => (field << 3) | 2);

/**
 * Counts the reported changes from one revision to the next. A change that is skipped without a gap
 * counts as lost at the end.
 */
function watch(container) {
  const { watch: open, close } = connect(container);
  const call = open();
  const state = { told: 0, missing: 0, first: 0, last: 0 };
  call.on('error', () => {});
  const ready = new Promise((resolve) =>
    call.on('data', (answer) => {
      const [kind] = answer;
      if (kind === SNAPSHOT && state.first === 0) {
        state.first = state.last = Number(WatchResponse.decode(answer).event.value.revision);
        resolve();
      } else if (kind === GAP) {
        const { fromRevision, toRevision } = WatchResponse.decode(answer).event.value;
        state.missing += Number(toRevision - fromRevision) + 1;
        state.last += Number(toRevision - fromRevision) + 1;
      } else if (kind === CHANGE) {
        state.told++;
        state.last++;
      }
    }),
  );
  const end = () => {
    call.cancel();
    close();
  };
  return { ready, state, close: end };
}
