import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { LIMIT_MS, MortalController, STEP } from '../../helpers/mortal-controller.js';
import { type Changes, Installation } from '../../helpers/other-version.js';
import { waitFor } from '../../helpers/wait-for.js';

const FILE = 'my_init/services.yaml';

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
afterEach(() => container.dispose());

/** The new steps in one line. */
function done(since = 0): string {
  const path = `/proc/${container.pid}/root/run/done`;
  const words = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  return words.slice(since).join(' ');
}

/** Waits until this many steps are noted: a service can be up before its script has begun. */
const noted = (count: number, since = 0): Promise<true> =>
  waitFor(`${count} steps`, () => done(since).split(' ').filter(Boolean).length >= count);

const noting = (word: string, then: string): string => JSON.stringify(`echo ${word} >> /run/done; ${then}`);

const CHAIN = `services:
  schema: { type: oneshot, command: ${noting('schema', 'true')} }
  db:
    command: ${noting('db', 'echo $$$$ > /run/db.pid; exec sleep 1000')}
    depends_on: [schema]
    ready: { exec: [sh, -c, "kill -0 $(cat /run/db.pid)"] }
  web: { command: ${noting('web', 'exec sleep 1000')}, depends_on: [db] }
`;

const changeFile = async (text: string): Promise<void> => {
  const file = join(container.directory, 'new');
  writeFileSync(file, text);
  await container.exec('cp', file, `/etc/${FILE}`);
};

/**
 * Repeats an order with a controller that dies later and later in it, until it outlives the order.
 */
async function diesAtEachAct(step: number, order: (acts: number) => Promise<void>): Promise<void> {
  let deaths = 0;
  for (let acts = 1, died = true; died; acts += STEP || step) {
    const controllerPid = await container.controller();
    await order(acts);
    died = (await container.controller()) !== controllerPid;
    if (died) deaths += 1;
  }
  expect(deaths).toBeGreaterThan(3);
}

test(
  'a start that pulls in a chain of services runs each of them once, and in order',
  async () => {
    container = await TestContainer.boot({ installation: mortal.installation, etc: { [FILE]: CHAIN } });
    await container.reaches('web', 'up');
    await noted(3);
    await diesAtEachAct(23, async (acts) => {
      await container.svctl('stop', 'web', 'db', 'schema');
      const before = done().split(' ').length;
      await mortal.doom(container, acts);
      expect(await container.svctl('start', 'web', '--no-wait')).toMatchObject({ code: 0 });
      await container.reaches('web', 'up');
      await noted(3, before);
      expect({ acts, done: done(before) }).toEqual({ acts, done: 'schema db web' });
    });
  },
  LIMIT_MS,
);

test(
  'svctl apply restarts changed services once, and puts the content of the file in force',
  async () => {
    container = await TestContainer.boot({ installation: mortal.installation, etc: { [FILE]: CHAIN } });
    const { pid: db } = await container.reaches('db', 'up');
    await container.reaches('web', 'up');
    await noted(3);
    await diesAtEachAct(29, async (acts) => {
      const before = done().split(' ').length;
      // 19 is the highest value that there is.
      await changeFile(CHAIN.replace('depends_on: [db]', `depends_on: [db], nice: ${1 + (acts % 19)}`));
      await waitFor('the change', async () => (await container.table('web')).includes('definition changed'));
      await mortal.doom(container, acts);
      await container.svctl('apply');
      await waitFor('an end of the change', async () => {
        const { stdout } = await container.svctl('diff');
        if (stdout.includes('restart')) await container.svctl('apply');
        return stdout === 'Nothing differs.\n';
      });
      await container.reaches('web', 'up');
      await noted(1, before);
      expect({ acts, done: done(before) }).toEqual({ acts, done: 'web' });
      expect((await container.status('db')).pid).toBe(db);
    });
  },
  LIMIT_MS,
);

test('neither a controller that takes over nor a rescan publishes a change where there is none', async () => {
  container = await TestContainer.boot({
    services: {
      web: { run: '#!/bin/sh\nexec sleep 1000\n', 'service.yaml': 'tags: [front]\n' },
      plain: { run: '#!/bin/sh\nexec sleep 1000\n' },
    },
    etc: {
      [FILE]: `services:
  db: { command: sleep 1000, tags: [data], description: the database }
  worker: { command: sleep 1000, tags: [back], depends_on: [db], replicas: 2 }
  once: { type: oneshot, command: "true", tags: [back] }
`,
    },
  });
  await container.reaches('once', 'completed');
  const running = ['web', 'plain', 'db', 'worker@1', 'worker@2'];
  await waitFor('all to be ready', async () =>
    ((await container.statuses()) ?? []).every(({ name, ready }) => ready || !running.includes(String(name))),
  );
  const revision = async (): Promise<number> =>
    Number(JSON.parse((await container.svctl('status', '-o', 'json')).stdout).revision);
  const before = await revision();
  expect(before).toBeGreaterThan(0);
  process.kill(container.controllerPid, 'SIGKILL');
  await waitFor('the next controller', () => container.answers());
  await container.svctl('rescan');
  expect(await revision()).toBe(before);
});

/**
 * A version that does not know the definitions in force, first starts, and messages of services.
 */
const WITHOUT: Changes = {
  'state/records.ts': [
    [
      'put: (name, value) => void slots.write(prefix + name, encoded(kind, value)),',
      `put: (name, value) => {
        if (kind.key === 'definition' || kind.key === 'boot-script') return;
        const record: any = JSON.parse(JSON.stringify(encoded(kind, value)));
        for (const key of ['firstStart', 'statusText', 'reloading', 'unmet']) delete record.machine?.[key];
        slots.write(prefix + name, record);
      },`,
    ],
  ],
};

test('controllers of versions without these records take over from this one, and it from them', async () => {
  const installation = new Installation();
  try {
    container = await TestContainer.boot({
      installation: installation.directory,
      etc: {
        [FILE]: `${CHAIN}  late: { command: sleep 1000, depends_on: [never] }\n  never: { command: sleep 1000, ready: { file: /run/never } }\n`,
      },
    });
    const { pid } = await container.reaches('web', 'up');
    await noted(3);
    await container.reaches('late', 'waiting');
    const versions = async (): Promise<string> => (await container.info()).version;
    const own = await versions();
    for (const install of [() => installation.installChanged(WITHOUT), async () => installation.installOwn()]) {
      const before = await versions();
      await install();
      expect((await container.svctl('reexec')).stderr).toBe('');
      await waitFor('the next version', async () => (await versions().catch(() => before)) !== before);
      expect(await container.status('web')).toMatchObject({ pid, state: 'SERVICE_STATE_UP', ready: true });
      expect(await container.status('schema')).toMatchObject({ state: 'SERVICE_STATE_COMPLETED' });
      expect(await container.status('late')).toMatchObject({ waitsFor: [{ service: 'never' }] });
      expect(done()).toBe('schema db web');
    }
    expect(await versions()).toBe(own);
    expect((await container.svctl('boot')).stdout).toMatch(/^\* {2}late +for never /m);
    await container.exec('touch', '/run/never');
    await container.reaches('late', 'up');
  } finally {
    await container.dispose();
    installation.dispose();
  }
});
