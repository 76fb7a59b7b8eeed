import { join } from 'node:path';
import { expect, test } from '@jest/globals';
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
  await container.svctl('restart', 'web');
  await container.reaches('web', 'up');
  expect(order()).toEqual(['setup daemon web', 'run', 'setup daemon web', 'run']);
});

test('a setup that fails is tried again after the delay, and run is not started before it has succeeded', async () => {
  await boot({
    setup: sh(notes('setup'), 'test $(wc -l < $OUT/order) -gt 1'),
    run: sh(notes('run'), 'exec sleep 1000'),
  });
  await waitFor('a failed setup', async () => order().length === 1);
  expect(await container.reaches('web', 'backoff')).toMatchObject({ trouble: 'setup exited with code 1' });
  await container.reaches('web', 'up');
  expect(order()).toEqual(['setup', 'setup', 'run']);
});

test('a setup that exits with 111 gives the service up', async () => {
  await boot({ setup: sh(notes('setup'), 'exit 111'), run: sh(notes('run'), 'exec sleep 1000') });
  const status = await container.reaches('web', 'failed');
  expect(status).toMatchObject({ trouble: 'setup exited with code 111' });
  expect(status.nextStartAt).toBeUndefined();
  expect(order()).toEqual(['setup']);
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
  expect(order()).toEqual(['setup', 'run']);
});
