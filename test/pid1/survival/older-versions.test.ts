import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { type Changes, Installation } from '../../helpers/other-version.js';
import { waitFor } from '../../helpers/wait-for.js';

/** A version that knows neither replicas nor transient services. */
const OLDER: Changes = {
  'supervisor/definition/transient-files.ts': [
    ['.filter((name) => existsSync(serviceFile(join(directory, name))))', '.filter(() => false)'],
  ],
  'supervisor/definition/read-yaml.ts': [
    [
      "!entry.value.entries.some(({ key }) => key === 'replicas')",
      "!entry.value.entries.some(({ key }) => key === '')",
    ],
  ],
  'supervisor/definition/keys.ts': [
    ["{ own: true, otherwise: 'one, called NAME' },", '{ later: true, own: true, default: 1 },'],
  ],
};

let installation: Installation;
let container: TestContainer;
beforeEach(() => {
  installation = new Installation();
});
afterEach(async () => {
  await container.dispose();
  installation.dispose();
});

const controllerPid = async (): Promise<number> => (await container.info()).controllerPid;
const reexec = async (): Promise<void> => {
  const before = await controllerPid();
  expect(await container.svctl('reexec')).toMatchObject({ code: 0, stderr: '' });
  await waitFor('the next controller', async () => ![undefined, before].includes(await controllerPid()));
};
const pids = async (): Promise<readonly number[]> =>
  Promise.all(['web@1', 'web@2', 'web@3', 'dev'].map(async (name) => (await container.status(name)).pid));

test('replicas and transient services run on under a version that knows neither, and are known again afterwards', async () => {
  container = await TestContainer.boot({
    installation: installation.directory,
    etc: { 'my_init/services.yaml': 'services: { web: { command: sleep 1000, replicas: 2, ready: { delay: 1ms } } }' },
  });
  await container.reaches('web@2', 'up');
  expect((await container.svctl('scale', 'web', '3')).code).toBe(0);
  expect((await container.svctl('run', '--name', 'dev', '--', 'sleep', '1000')).code).toBe(0);
  const before = await pids();
  expect(before.every((pid) => pid > 0)).toBe(true);

  await installation.installChanged(OLDER);
  await reexec();
  await container.svctl('rescan');
  expect(await pids()).toEqual(before);

  installation.installOwn();
  await reexec();
  await container.svctl('rescan');
  expect(await pids()).toEqual(before);
  expect(await container.status('dev')).toMatchObject({ transient: true });
  expect((await container.svctl('scale', 'web', '1')).stdout).toMatch(/^web@2 removed: .*\nweb@3 removed: .*\n$/);
  await container.svctl('stop', 'dev');
  await container.forgets('dev');
});
