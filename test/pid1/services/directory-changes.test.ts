/** @needs sv */
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { removeInUse } from '../../helpers/remove-in-use.js';
import { sv } from '../../helpers/sv.js';
import { waitFor } from '../../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';

let container: TestContainer;
afterEach(() => container.dispose());

const at = (...parts: readonly string[]) => join(container.directory, ...parts);
const names = async () => (await container.svctl('status', '-o', 'name')).stdout.split('\n').filter(Boolean);
const gone = (name: string) => waitFor(`${name} to be gone`, async () => !(await names()).includes(name), 5000);

/** Makes more reports than the kernel keeps for a controller that does not read them. */
function fillQueue(): void {
  const limit = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  const files = [at('service/.a'), at('service/.b')];
  for (const file of files) writeFileSync(file, '');
  // Reports of the same name in a row would be one.
  for (let count = 0; count <= limit; count += files.length) for (const file of files) utimesSync(file, 0, 0);
}

describe('the service directory', () => {
  test('a new service is started at once', async () => {
    container = await TestContainer.boot();
    container.addService('web', { run: WORKS });
    const { cause } = await container.reaches('web', 'up', 5000);
    expect(cause).toMatchObject({ kind: 'CAUSE_KIND_SCAN' });
  });

  test('a removed service is stopped and forgotten', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS }, other: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    removeInUse(at('service/web'));
    await gone('web');
    expect((await container.exec('kill', '-0', String(pid))).code).not.toBe(0);
    expect(await names()).toEqual(['other']);
  });

  test('a link to a directory is a service, and without the link it is none', async () => {
    container = await TestContainer.boot();
    container.addService('.kept', { run: WORKS });
    symlinkSync(at('service/.kept'), at('service/web'));
    await container.reaches('web', 'up', 5000);
    unlinkSync(at('service/web'));
    await gone('web');
  });

  test('a renamed directory is one service that stops and another that is started after it', async () => {
    // Both services need the lock: the second run would end at once if the first were still there.
    const run = '#!/bin/sh\nexec flock -n /run/lock sleep 1000\n';
    container = await TestContainer.boot({ services: { before: { run } } });
    await container.reaches('before', 'up');
    renameSync(at('service/before'), at('service/after'));
    const after = await container.reaches('after', 'up', 5000);
    expect(after).toMatchObject({ run: 1, consecutiveFailures: 0 });
    expect(await names()).toEqual(['after']);
  });

  test('a renamed directory is run by one service at a time, also when the controller is killed meanwhile', async () => {
    const run = '#!/bin/sh\ntrap "" TERM\nwhile [ ! -e end ]; do sleep 0.1; done\n';
    container = await TestContainer.boot({ services: { before: { run } } });
    await container.reaches('before', 'up');
    await container.traps('before');
    renameSync(at('service/before'), at('service/after'));
    await container.reaches('before', 'stopping');
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', () => container.answers());
    await container.svctl('rescan');
    expect(await names()).toEqual(['before']);
    container.write('after/end', '');
    await waitFor('the next service', async () => (await names()).join() === 'after');
  });

  test('a directory with two names is one service', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    symlinkSync(at('service/web'), at('service/zzz'));
    const { stdout, stderr } = await container.svctl('rescan');
    expect(stdout + stderr).toContain('the same directory as web');
    expect(await names()).toEqual(['web']);
  });

  test('an entry that cannot be a service is left out, with the reason; plain files are ignored', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    symlinkSync('/nowhere', at('service/dangling'));
    symlinkSync('circle', at('service/circle'));
    mkdirSync(at('service/bad name'));
    mkdirSync(at('service/-option'));
    mkdirSync(Buffer.from(at('service/no-utf-\xff'), 'latin1'));
    container.write('README', 'not a service\n');
    container.write('web.sh', WORKS);
    const { stdout, stderr } = await container.svctl('rescan');
    const text = stdout + stderr;
    expect(text).toMatch(/dangling.*a link to \/nowhere, which does not exist/);
    expect(text).toMatch(/circle.*a link that leads in a circle/);
    expect(text).toMatch(/bad name.*letters, digits/);
    expect(text).toMatch(/-option.*begin with a letter or digit/);
    expect(text).toMatch(/no-utf-\ufffd.*letters, digits/);
    expect(text).toMatch(/web\.sh.*is a program, and a service is a directory with a program "run"/);
    expect(text).not.toContain('README');
    expect(await names()).toEqual(['web']);
  });

  test('may be missing at boot and be made later, with the directories above it', async () => {
    container = await TestContainer.boot({ serviceDirectory: 'late/comes/service' });
    expect(await names()).toEqual([]);
    mkdirSync(at('late/comes/service'), { recursive: true });
    container.addService('web', { run: WORKS });
    await container.reaches('web', 'up', 5000);
  });

  test('may go away, and the services stay as they are', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    renameSync(at('service'), at('elsewhere'));
    await waitFor('the warning', () => container.log().includes('services stay as they are'));
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_UP', pid });
    renameSync(at('elsewhere'), at('service'));
    container.addService('other', { run: WORKS });
    await container.reaches('other', 'up', 5000);
    expect(await container.status('web')).toMatchObject({ pid });
  });

  test('a directory that takes the place of another is another service', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS }, broken: {} } });
    const { pid } = await container.reaches('web', 'up');
    for (const name of ['web', 'broken']) {
      container.addService('.next', { run: WORKS });
      renameSync(at('service', name), at(`.${name}`));
      renameSync(at('service/.next'), at('service', name));
    }
    await waitFor('the other service', async () => {
      const web = await container.status('web');
      return web.state === 'SERVICE_STATE_UP' && web.pid !== pid;
    });
    await container.reaches('broken', 'up', 5000);
    expect((await container.exec('kill', '-0', String(pid))).code).not.toBe(0);
    expect((await sv(container.services, 'status', 'web')).stdout).toMatch(/^run: /);
  });

  test('a link that is switched to another directory is another service, also when the controller is killed meanwhile', async () => {
    container = await TestContainer.boot();
    mkdirSync(at('sv'));
    for (const name of ['one', 'two', 'three']) {
      container.addService(`.${name}`, { run: `#!/bin/sh\n# ${name}\nexec sleep 1000\n` });
      renameSync(at(`service/.${name}`), at(`sv/${name}`));
    }
    const directoryOf = async () => {
      const { pid } = await container.reaches('web', 'up', 5000);
      return (await container.exec('readlink', `/proc/${pid}/cwd`)).stdout.trim();
    };
    symlinkSync('../sv/one', at('service/web'));
    expect(await directoryOf()).toBe(at('sv/one'));
    unlinkSync(at('service/web'));
    symlinkSync('../sv/two', at('service/web'));
    await waitFor('the second directory', async () => (await directoryOf()) === at('sv/two'));
    process.kill(container.controllerPid, 'SIGKILL');
    unlinkSync(at('service/web'));
    symlinkSync('../sv/three', at('service/web'));
    await waitFor('the next controller', () => container.answers());
    await waitFor('the third directory', async () => (await directoryOf()) === at('sv/three'));
  });

  test('a directory that is being filled is no error', async () => {
    container = await TestContainer.boot();
    mkdirSync(at('service/web'));
    container.write('web/run', WORKS, 0o644);
    await waitFor('the service to be told of', () => container.log().includes('permission denied'));
    expect(container.log()).not.toContain('does not exist');
    chmodSync(at('service/web/run'), 0o755);
    await container.reaches('web', 'up', 5000);
  });

  test('rescan looks at everything again, also at changes that the kernel does not report', async () => {
    container = await TestContainer.boot({ services: { web: {}, other: { run: WORKS } } });
    await container.reaches('web', 'failed');
    // The kernel reports no event for a bind mount on a directory.
    mkdirSync(at('mounted'));
    writeFileSync(at('mounted/run'), WORKS, { mode: 0o755 });
    await container.exec('mount', '--bind', at('mounted'), at('service/web'));
    await container.svctl('rescan');
    await container.reaches('web', 'up', 5000);
  });

  test('after reports that the kernel dropped, changes are found, and a service that is given up stays so', async () => {
    const givenUp = { run: '#!/bin/sh\nexit 1\n', 'service.yaml': 'restart: no\n' };
    container = await TestContainer.boot({ services: { same: givenUp, mended: givenUp } });
    for (const name of ['same', 'mended']) await container.reaches(name, 'failed');
    const { controllerPid } = container;
    process.kill(controllerPid, 'SIGSTOP');
    fillQueue();
    container.write('mended/run', WORKS);
    rmSync(at('service/mended/service.yaml'));
    container.addService('new', { run: WORKS });
    process.kill(controllerPid, 'SIGCONT');
    for (const name of ['mended', 'new']) await container.reaches(name, 'up');
    expect(await container.status('same')).toMatchObject({ state: 'SERVICE_STATE_FAILED', run: 1 });
  });

  test('files of many services count too, and those in services.d; the next controller knows them', async () => {
    container = await TestContainer.boot({
      etc: { 'my_init/services.yaml': 'services: { web: { command: sleep 1000 } }\n' },
    });
    const { pid } = await container.reaches('web', 'up');
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', () => container.answers());
    await container.exec('mkdir', '/etc/my_init/services.d');
    const write = (path: string, text: string) =>
      container.exec('sh', '-c', 'printf %s "$2" >"$1"', 'sh', `/etc/my_init/${path}`, text);
    await write('services.d/other.yaml', 'services: { other: { command: sleep 1001 } }\n');
    await container.reaches('other', 'up', 5000);
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_UP', pid });
    await write('services.yaml', 'services: { third: { command: sleep 1002 } }\n');
    await container.reaches('third', 'up', 5000);
    // A running service is stopped only when somebody asks for it.
    await container.reaches('web', 'up');
    await container.svctl('apply');
    await gone('web');
  });

  test('a busy directory above the services wakes nobody', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    await container.reaches('web', 'up');
    const wakes = () =>
      Number(
        /^voluntary_ctxt_switches:\s(\d+)$/m.exec(readFileSync(`/proc/${container.controllerPid}/status`, 'utf8'))?.[1],
      );
    const before = wakes();
    for (let count = 0; count < 300; count++) {
      writeFileSync(at('busy'), '');
      rmSync(at('busy'));
      await delay(2);
    }
    // Each of the changes would have been one wake-up.
    expect(wakes() - before).toBeLessThan(100);
  });

  test('a service that comes back during its stop is started again', async () => {
    const slow = '#!/bin/sh\ntrap "sleep 3; exit 0" TERM\nwhile :; do sleep 1 & wait; done\n';
    container = await TestContainer.boot({ services: { web: { run: slow } } });
    await container.reaches('web', 'up');
    await container.traps('web');
    renameSync(at('service/web'), at('away'));
    await container.reaches('web', 'stopping');
    renameSync(at('away'), at('service/web'));
    await waitFor('the second run', async () => {
      const status = await container.status('web');
      return status.state === 'SERVICE_STATE_UP' && status.run === 2;
    });
  });
});
