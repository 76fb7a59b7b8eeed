import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const SVCTL = fileURLToPath(new URL('../../../dist/svctl.js', import.meta.url));
const SLEEPER = sh('exec sleep 1000');
const SLOW = sh('trap "sleep 0.3; exit" TERM', 'echo > runs', 'while :; do sleep 1 & wait; done');

let container: TestContainer;
afterEach(() => container.dispose());

/**
 * Lines of a script: they give an order, and write the output and exit code of svctl to the service
 * directory.
 */
const gives = (...order: readonly string[]): string =>
  `${SVCTL} --socket ../../run/my_init.sock ${order.join(' ')} > said 2>&1\necho $? > code.new; mv code.new code`;

/** For a finish that gives an order: on a busy machine svctl takes longer than the usual 5 s. */
const PATIENT = { 'timeout-finish': '600000\n' };

const fileOf = (name: string, file: string): string => join(container.services, name, file);
const told = async (name: string): Promise<string> => {
  await waitFor(`the exit code of svctl in ${name}`, () => existsSync(fileOf(name, 'code')));
  return `${readFileSync(fileOf(name, 'said'), 'utf8')}${readFileSync(fileOf(name, 'code'), 'utf8')}`;
};

describe('an order from within a service', () => {
  test('about that service does not wait in finish', async () => {
    container = await TestContainer.boot({
      services: { web: { ...PATIENT, run: SLEEPER, finish: sh(gives('stop', 'web')) } },
    });
    await container.reaches('web', 'up');
    await container.svctl('signal', 'TERM', 'web');
    expect(await told('web')).toBe('web is to stop\n0\n');
    await container.reaches('web', 'down');
    expect(container.log()).not.toContain('does not end');
  });

  test('about that service does not wait in a control script', async () => {
    const script = sh(gives('restart', 'web'), 'exit 1');
    container = await TestContainer.boot({ services: { web: { run: SLEEPER, 'control/t': script } } });
    const { pid } = await container.reaches('web', 'up');
    expect((await container.svctl('stop', 'web', '--no-wait')).code).toBe(0);
    expect(await told('web')).toBe(`web: restart requested (pid ${pid})\n0\n`);
    await waitFor('another run', async () => ![0, pid].includes((await container.reaches('web', 'up')).pid));
    expect(container.log()).not.toContain('does not end');
  });

  test('waits for the other services', async () => {
    container = await TestContainer.boot({
      services: { slow: { run: SLOW }, web: { ...PATIENT, run: SLEEPER, finish: sh(gives('stop', 'web', 'slow')) } },
    });
    for (const name of ['slow', 'web']) await container.reaches(name, 'up');
    await waitFor('the trap of slow', () => existsSync(fileOf('slow', 'runs')));
    await container.svctl('signal', 'TERM', 'web');
    expect(await told('web')).toMatch(/^slow stopped: pid \d+ .*\nweb is to stop\n0\n$/);
    expect(await container.status('slow')).toMatchObject({ state: 'SERVICE_STATE_DOWN' });
  });

  test('of another service waits', async () => {
    container = await TestContainer.boot({
      services: { slow: { run: SLOW }, web: { run: sh(gives('stop', 'slow'), 'exec sleep 1000'), down: '' } },
    });
    await container.reaches('slow', 'up');
    await waitFor('the trap of slow', () => existsSync(fileOf('slow', 'runs')));
    await container.svctl('start', 'web', '--no-wait');
    expect(await told('web')).toMatch(/^slow stopped: pid \d+ .*\n0\n$/);
  });

  test('to end the container does not hold up the shutdown', async () => {
    container = await TestContainer.boot({
      services: { web: { ...PATIENT, run: SLEEPER, finish: sh(gives('shutdown')) } },
    });
    await container.reaches('web', 'up');
    await container.svctl('signal', 'TERM', 'web');
    expect(await container.exit).toBe(0);
    expect(await told('web')).toMatch(/^ +\d\.\d s {2}services: waiting for web\n0\n$/);
    expect(container.log()).not.toContain('does not end');
  });
});
