/** @needs sv */
import { readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { bootWith, container, lines, out } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const order = () => lines('order');
const notes = (what: string): string => `echo ${what} >> $OUT/order`;
const boot = async (files: Readonly<Record<string, string>>): Promise<void> => {
  await bootWith({ services: { web: files } });
};

test('setup runs before each run, in the directory, as the service does', async () => {
  await boot({
    setup: sh(notes('setup $(id -un) $(basename $PWD)')),
    run: sh(notes('run'), 'exec sleep 1000'),
    'service.yaml': 'user: daemon\n',
  });
  await container.reaches('web', 'up');
  await waitFor('the first run', () => order().length === 2);
  await container.svctl('restart', 'web');
  await container.reaches('web', 'up');
  await waitFor('the second run', () => order().length === 4);
  expect(order()).toEqual(['setup daemon web', 'run', 'setup daemon web', 'run']);
});

test('a setup that fails is tried again after the delay, and run is not started before it has succeeded', async () => {
  await boot({
    setup: sh(notes('setup'), 'test -e $OUT/go || exit 1', notes('done')),
    run: sh(notes('run'), 'exec sleep 1000'),
  });
  expect(await container.reaches('web', 'backoff')).toMatchObject({ trouble: 'setup exited with code 1' });
  await container.exec('touch', join(out, 'go'));
  await container.reaches('web', 'up');
  await waitFor('run', () => order().includes('run'));
  expect(order().join(' ')).toMatch(/^(setup )+setup done run$/);
});

test('a service whose setup exits with 111 is given up', async () => {
  await boot({ setup: sh(notes('setup'), 'exit 111'), run: sh(notes('run'), 'exec sleep 1000') });
  const status = await container.reaches('web', 'failed');
  expect(status).toMatchObject({ trouble: 'setup exited with code 111' });
  expect(status.nextStartAt).toBeUndefined();
  expect(order()).toEqual(['setup']);
});

test.each([
  ['is killed', sh('kill -SEGV $$'), /^setup was killed by SEGV/],
  ['cannot be executed', '#!/nowhere/sh\n', /^setup could not be executed: \S+\/web\/setup: \S/],
])('a setup that %s: the service says so', async (_, setup, trouble) => {
  await boot({ setup, run: sh('exec sleep 1000') });
  expect((await container.reaches('web', 'backoff')).trouble).toMatch(trouble);
});

test('a setup that does not end in time is killed: the service says so, and setup is tried again', async () => {
  await bootWith({
    services: { web: { setup: sh(notes('setup'), 'exec sleep 1000'), run: sh('exec sleep 1000') } },
    env: { KILL_PROCESS_TIMEOUT: '1' },
  });
  const { trouble } = await container.reaches('web', 'backoff');
  expect(trouble).toBe('setup did not end within 1s and was killed');
  const { stdout } = await container.svctl('explain', 'web');
  expect(stdout).toContain('  Setup did not end within 1s and was killed.\n');
  await waitFor('setup to be tried again', () => order().length > 1);
});

test('a setup outlives the controller, and is not run again by the next one', async () => {
  await boot({
    setup: sh(notes('setup'), 'while ! test -e $OUT/go; do sleep 0.05; done'),
    run: sh(notes('run'), 'exec sleep 1000'),
  });
  await waitFor('setup', () => order().length === 1);
  process.kill(container.controllerPid, 'SIGKILL');
  await waitFor('the next controller', () => container.log().includes('services are not touched'));
  await container.exec('touch', join(out, 'go'));
  await container.reaches('web', 'up');
  await waitFor('run', () => order().includes('run'));
  expect(order()).toEqual(['setup', 'run']);
});

describe('a template', () => {
  const instances = ['tty@1', 'tty@2'] as const;

  /** Boots two services, which are links to one directory. */
  async function bootInstances(): Promise<void> {
    await bootWith({
      services: {
        'tty@': {
          setup: sh(notes('setup $#:$1')),
          run: sh(notes('run $#:$1'), 'echo I am $1', 'exec sleep 1000'),
          finish: sh(notes('finish $#:$3')),
          'log/run': sh(`exec sed -u "s/^/logged: /" >> $OUT/logged`),
        },
      },
    });
    for (const name of instances) symlinkSync('tty@', join(container.services, name));
    for (const name of instances) await container.reaches(name, 'up');
  }

  test('is no service; links to it are, and their scripts get the instance as an argument', async () => {
    await bootInstances();
    const names = (await container.svctl('status', '-o', 'name')).stdout.trim().split('\n');
    expect(names).toEqual(['tty@1', 'tty@1/log', 'tty@2', 'tty@2/log']);
    await waitFor('two lines of the log', () => lines('logged').length === 2);
    await container.svctl('stop', ...instances);
    expect(order().toSorted()).toEqual([
      ...['finish 3:1', 'finish 3:2', 'run 1:1', 'run 1:2', 'setup 1:1', 'setup 1:2'],
    ]);
    expect(lines('logged').toSorted()).toEqual(['logged: I am 1', 'logged: I am 2']);
  });

  test('has a supervise directory for each instance, below the run directory, also with the next controller', async () => {
    await bootInstances();
    expect(readdirSync(join(container.services, 'tty@'))).not.toContain('supervise');
    const before = await Promise.all(instances.map((name) => container.status(name)));
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', async () => (await container.svctl('info')).code === 0);
    for (const [index, name] of instances.entries()) {
      const { stdout } = await container.exec('env', 'SVDIR=/run/my_init/supervise', 'sv', 'status', name);
      expect(stdout).toContain(`run: ${name}: (pid ${before[index]?.pid})`);
    }
    await container.exec('env', 'SVDIR=/run/my_init/supervise', 'sv', 'down', 'tty@1');
    await container.reaches('tty@1', 'down');
    expect(await container.status('tty@2')).toMatchObject({ state: 'SERVICE_STATE_UP', pid: before[1]?.pid });
  });

  test('loses an instance with its link', async () => {
    await bootInstances();
    rmSync(join(container.services, 'tty@1'));
    await waitFor(
      'one to be gone',
      async () => !(await container.svctl('status', '-o', 'name')).stdout.includes('tty@1'),
    );
    expect(await container.status('tty@2')).toMatchObject({ state: 'SERVICE_STATE_UP', run: 1 });
  });
});
