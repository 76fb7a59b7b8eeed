import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

const LIMIT = 120;

let container: TestContainer;
let group: string | undefined;
afterEach(async () => {
  await container?.dispose();
  const made = group;
  group = undefined;
  if (made === undefined) return;
  await waitFor('the processes to be gone', () => members(made).length === 0);
  rmdirSync(made);
});

/** A cgroup with a limit of processes, v1 or v2; undefined where none can be made. */
function pidsGroup(): string | undefined {
  for (const root of ['/sys/fs/cgroup/pids', '/sys/fs/cgroup']) {
    const path = join(root, `my_init-test-${process.pid}`);
    try {
      mkdirSync(path);
      if (existsSync(join(path, 'pids.max'))) {
        writeFileSync(join(path, 'pids.max'), String(LIMIT));
        return path;
      }
      rmdirSync(path);
    } catch {
      // No group can be made in this place.
    }
  }
  return undefined;
}

describe('under a limit of processes', () => {
  group = pidsGroup();
  const canLimit = group !== undefined;
  if (group) rmdirSync(group);
  group = undefined;
  const testLimited = canLimit ? test : test.skip;
  if (!canLimit) process.stdout.write('skipped: no cgroup with a limit of processes can be made here\n');

  testLimited(
    'a fork bomb is outlived: my_init answers, says why nothing can be started, stops the bomb and recovers',
    async () => {
      const bomb = compile('scenarios/bomb.c');
      group = pidsGroup();
      container = await TestContainer.boot({
        services: {
          bomb: { run: `#!/bin/sh\nexec ${bomb}\n`, down: '' },
          web: { run: '#!/bin/sh\nexec sleep 1000\n' },
        },
        prepare: `echo $$ > ${group}/cgroup.procs`,
      });
      const { pid: before } = await container.reaches('web', 'up');
      await container.svctl('start', 'bomb');
      await waitFor(
        'the limit to be reached',
        () => Number(readFileSync(join(group ?? '', 'pids.current'), 'utf8')) >= LIMIT,
      );

      // Processes that become free while web is restarted would go to the bomb or to web, by
      // chance.
      limit(1);
      await container.svctl('restart', 'web', '--no-wait');
      const starved = await container.reaches('web', 'backoff');
      expect(starved.trouble).toMatch(/no process could be started: the limit of processes is reached/);
      expect(starved.pid).not.toBe(before);
      limit(LIMIT);

      expect((await container.svctl('stop', 'bomb', '--stop-timeout', '0', '--timeout', '10m')).code).toBe(0);
      expect((await container.exec('pgrep', '-c', '-x', 'bomb')).stdout.trim()).toBe('0');
      await container.reaches('web', 'up');
      expect(await container.status('web')).toMatchObject({ trouble: '' });
    },
    900_000,
  );

  testLimited('a controller that is killed meanwhile comes back when there is room', async () => {
    group = pidsGroup();
    container = await TestContainer.boot({
      services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } },
      prepare: `echo $$ > ${group}/cgroup.procs`,
    });
    const { pid } = await container.reaches('web', 'up');
    limit(1);
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('init to have tried', () => container.log().includes('cannot start the controller'));
    limit(LIMIT);
    await waitFor('an answer', () => container.answers());
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_UP', pid, run: 1 });
  });
});

const limit = (processes: number): void => writeFileSync(join(group ?? '', 'pids.max'), String(processes));

const members = (path: string): readonly number[] =>
  readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
