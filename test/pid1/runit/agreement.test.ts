/** @needs sv */
import { afterEach, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { TestContainer } from '../../helpers/container.js';
import { say, see } from '../../helpers/runit-sides.js';
import { sv } from '../../helpers/sv.js';
import { waitFor } from '../../helpers/wait-for.js';

const tell = compile('scenarios/tell.c');
const program = (words = ''): string => `#!${tell} ${words}\n`;

let container: TestContainer;
afterEach(() => container.dispose());

/** The answers of both programs at one moment: sv says the same before and after svctl is asked. */
async function bothSay() {
  return waitFor('a moment in which nothing happens', async () => {
    const before = (await sv(container.services, 'status', 'web')).stdout.trim();
    const status = await container.status('web');
    const { stdout } = await sv(container.services, 'status', 'web');
    const same = before.replace(/\d+s/, '') === stdout.trim().replace(/\d+s/, '');
    return same && { line: before, status };
  });
}

/** The line that sv must print for this status of svctl. */
function lineOf({ state, pid, desired, paused }: Record<string, unknown>): string {
  const wants = desired === 'DESIRED_STATE_UP';
  if (pid === 0) return state === 'SERVICE_STATE_FINISHING' ? 'finish' : `down${wants ? ', want up' : ''}`;
  return `run (pid ${pid})${paused ? ', paused' : ''}${wants ? '' : ', want down'}`;
}

test('svctl and sv agree, whichever gave the order before', async () => {
  container = await TestContainer.boot({
    services: { web: { run: program('stubborn'), finish: program('exit=0') } },
  });
  await container.reaches('web', 'up');
  const orders = [
    'sv pause',
    'svctl signal CONT',
    'svctl signal STOP',
    'sv cont',
    'sv term',
    'svctl stop --no-wait',
    'sv up',
    'sv kill',
    'sv down',
    'svctl start --no-wait',
    'svctl restart --stop-timeout 0.1',
    'sv once',
    'svctl stop --stop-timeout 0.1',
    'svctl once',
    'sv -w 1 force-stop',
    'sv start',
  ];
  for (const order of orders) {
    // A run that ends with TERM needs no force.
    if (order.includes('force-stop')) await waitFor('the program', () => see(container, 'web').takesSignals);
    const [tool, ...words] = order.split(' ');
    const { code } = await (tool === 'sv' ? sv(container.services, ...words, 'web') : container.svctl(...words, 'web'));
    expect({ order, code }).toEqual({ order, code: order.includes('force-stop') ? 1 : 0 });
    const { line, status } = await bothSay();
    const said = line.replace(/^(\w+): web:( \(pid \d+\))? \d+s/, '$1$2').replace(/, (normally up|got TERM)/g, '');
    expect(`${order}: ${said}`).toBe(`${order}: ${lineOf(status)}`);
  }
});

test('commands of sv act on a service that waits for its next attempt', async () => {
  // The run cannot be executed: the next attempt is half a minute away, unless sv causes one.
  const expected: Readonly<Record<string, readonly [state: string, attempts: number]>> = {
    up: ['FAILED', 2],
    start: ['FAILED', 2],
    restart: ['FAILED', 2],
    once: ['DOWN', 2],
    exit: ['FAILED', 2],
    down: ['DOWN', 1],
    term: ['FAILED', 1],
    kill: ['FAILED', 1],
    hup: ['FAILED', 1],
    pause: ['FAILED', 1],
    'try-restart': ['FAILED', 1],
  };
  const commands = Object.keys(expected);
  container = await TestContainer.boot({
    services: Object.fromEntries(
      commands.map((command) => [command, { run: 'not executable', finish: program('exit=0') }]),
    ),
  });
  for (const command of commands) await container.reaches(command, 'failed');
  await Promise.all(commands.map((command) => say(container, '-w', '0', command, command)));
  for (const command of commands) {
    const [state, attempts] = expected[command] ?? [];
    await waitFor(`${command} to have been obeyed`, async () => {
      const status = await container.status(command);
      return status.state === `SERVICE_STATE_${state}` && status.run === attempts;
    });
  }
  const seen = commands.map((command) => [command, see(container, command).trace.split('\n').length] as const);
  expect(seen).toEqual(commands.map((command) => [command, expected[command]?.[1]]));
  expect(await say(container, 'status', 'up')).toBe('down: up: Ts, normally up (0)');
});

test('TERM by sv acts like a stop if the service is wanted down, and the cause says sv', async () => {
  container = await TestContainer.boot({
    services: {
      web: {
        run: program(),
        finish: program('exit=0'),
        'control/t': program('exit=1'),
        'control/d': program('exit=1'),
        down: '',
      },
    },
  });
  await say(container, 'start', 'web');
  // sv is content with a process that has not executed the program yet.
  await waitFor('the program', () => see(container, 'web').takesSignals);
  for (const order of ['once', '-v term']) await say(container, '-w', '5', ...order.split(' '), 'web');
  expect(await container.reaches('web', 'down')).toMatchObject({ cause: { kind: 'CAUSE_KIND_SV' } });
  expect(see(container, 'web').trace.split('\n').toSorted()).toEqual(
    ['./finish 0 0', './run', 'SIGTERM', 'control/d', 'control/t'].toSorted(),
  );
});
