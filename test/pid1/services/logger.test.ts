/** @needs sv */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

/**
 * Counts in a file, from the last number of the run before: each number is written once, whenever
 * TERM comes.
 */
const COUNTS = `#!/bin/sh
exec 2>&1
trap 'stop=1' TERM
read n < counter 2>/dev/null || n=0
while [ -z "$stop" ]; do n=$((n + 1)); echo $n > counter; echo "line $n"; sleep 0.01; done
`;
const SVLOGD = '#!/bin/sh\nmkdir -p main\nprintf "s10000000\\n" > main/config\nexec svlogd main\n';
/**
 * A logger that loses nothing when it is stopped. svlogd does, under runsv too: in about every
 * second restart it loses the line that it is about to read.
 */
const EXACT = `#!/bin/sh
mkdir -p main
trap 'stop=1' TERM
while [ -z "$stop" ] && read -r line; do echo "$line"; done >> main/current
`;

let container: TestContainer;
afterEach(() => container.dispose());

const service = { run: COUNTS, counter: '0\n', 'log/run': EXACT };

/** The numbers that the logger has written, in their order. */
function written(): readonly number[] {
  const directory = join(container.services, 'web/log/main');
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.startsWith('@') || name === 'current')
    .sort()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').match(/line \d+/g) ?? [])
    .map((line) => Number(line.slice('line '.length)));
}

const isComplete = (numbers: readonly number[]): boolean => numbers.every((number, index) => number === index + 1);

describe('a service with log/run', () => {
  test('has its output written by svlogd, which is a service of its own', async () => {
    container = await TestContainer.boot({ services: { web: { ...service, 'log/run': SVLOGD } } });
    await container.reaches('web', 'up');
    await container.reaches('web/log', 'up');
    await waitFor('lines', () => written().length > 30);
    expect(isComplete(written())).toBe(true);
    expect(container.log()).not.toContain('line 1');
  });

  test('has a logger that keeps its record when the controller dies', async () => {
    container = await TestContainer.boot({ services: { web: service } });
    await container.reaches('web', 'up');
    const known = async () => {
      const { pid, run, restartsTotal, state, desired, runId } = await container.status('web/log');
      return { pid, run, restartsTotal, state, desired, runId };
    };
    const replace = async (): Promise<void> => {
      const { controllerPid } = container;
      process.kill(controllerPid, 'SIGKILL');
      await waitFor('the next controller', async () => {
        await container.info();
        return (await container.controller()) !== controllerPid;
      });
    };
    expect((await container.svctl('restart', 'web/log')).code).toBe(0);
    const up = await known();
    expect(up).toMatchObject({ restartsTotal: 1, state: 'SERVICE_STATE_UP' });
    await replace();
    expect(await known()).toEqual(up);
    expect((await container.svctl('stop', 'web/log')).code).toBe(0);
    const down = await known();
    await replace();
    expect(await known()).toEqual(down);
    expect(container.log()).not.toContain('on no record');
    const { code, stderr } = await container.svctl('status', 'wbe/log');
    expect([code, stderr]).toEqual([4, expect.stringContaining('Did you mean web/log?')]);
  });

  test('loses no line when either side is restarted', async () => {
    container = await TestContainer.boot({ services: { web: service } });
    await container.reaches('web', 'up');
    for (const name of ['web/log', 'web', 'web/log', 'web']) {
      const before = written().length;
      expect((await container.svctl('restart', name)).code).toBe(0);
      await waitFor('more lines', () => written().length > before + 20);
    }
    await container.svctl('stop', 'web');
    const last = Number(readFileSync(join(container.services, 'web/counter'), 'utf8'));
    await waitFor('the last line', () => written().at(-1) === last);
    expect(written()).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  });

  test('has the lines that are written while the logger is down once it is up again', async () => {
    container = await TestContainer.boot({ services: { web: service } });
    await waitFor('lines', () => written().length > 30);
    await container.svctl('stop', 'web/log');
    const before = written().length;
    await container.svctl('start', 'web/log');
    await waitFor('more lines', () => written().length > before + 30);
    expect(isComplete(written())).toBe(true);
  });

  test('has its logger end last at shutdown, with all lines', async () => {
    container = await TestContainer.boot({
      services: {
        web: {
          ...service,
          'log/run': SVLOGD,
          run: '#!/bin/sh\ntrap "echo line 2; exit 0" TERM\necho line 1\nwhile :; do sleep 1 & wait; done\n',
        },
      },
    });
    await container.reaches('web', 'up');
    await container.reaches('web/log', 'up');
    await waitFor('the first line', () => written().length > 0);
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(written()).toEqual([1, 2]);
  });

  test('goes on across the death of the controller', async () => {
    container = await TestContainer.boot({ services: { web: service } });
    await waitFor('lines', () => written().length > 30);
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('an answer', () => container.answers());
    expect((await container.svctl('restart', 'web/log')).code).toBe(0);
    const before = written().length;
    await waitFor('more lines', () => written().length > before + 30);
    expect(isComplete(written())).toBe(true);
  });
});
