import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere } from '../../helpers/whole-run.js';

const SLEEPER = '#!/bin/sh\nexec sleep 1000\n';
const STUBBORN = '#!/bin/sh\ntrap "" TERM\nsleep 1000 &\nwhile :; do wait; done\n';

let container: TestContainer;
afterEach(() => container.dispose());

const startsOf = async (name: string) => Number((await container.status(name)).startsTotal);

describe('svctl stop', () => {
  test('ends a running service, and shows how it ended', async () => {
    container = await TestContainer.boot({ services: { web: { run: SLEEPER } } });
    await container.reaches('web', 'up');
    expect((await container.svctl('stop', 'web')).code).toBe(0);
    expect(await container.status('web')).toMatchObject({
      state: 'SERVICE_STATE_DOWN',
      desired: 'DESIRED_STATE_DOWN',
      lastExit: { signal: 'TERM', expected: true },
    });
  });

  test('ends a service that has just been started', async () => {
    container = await TestContainer.boot({ services: { web: { run: SLEEPER, down: '' } } });
    await container.svctl('start', 'web', '--wait', 'started');
    expect((await container.svctl('stop', 'web')).code).toBe(0);
    expect(await container.status('web')).toMatchObject({
      state: 'SERVICE_STATE_DOWN',
      startsTotal: 1,
      lastExit: { signal: 'TERM', expected: true },
    });
  });

  test('asks a program behind a shell without exec to end, and gives it the stop timeout', async () => {
    const program =
      'trap "sleep 0.3; echo flushed >> ended; exit" TERM; echo begun > began; while :; do sleep 1 & wait; done';
    container = await TestContainer.boot({
      services: {
        web: { run: `#!/bin/sh\nsh -c '${program}'\n` },
        deaf: { run: `#!/bin/sh\nsh -c 'trap "" TERM; echo begun > began; while :; do sleep 1 & wait; done'\n` },
      },
    });
    for (const name of ['web', 'deaf'])
      await waitFor(`${name} to run`, () => existsSync(join(container.services, name, 'began')));
    const { pid } = await container.status('web');
    expect((await container.svctl('restart', 'web')).code).toBe(0);
    expect(readFileSync(join(container.services, 'web/ended'), 'utf8')).toBe('flushed\n');
    expect((await container.exec('ps', '-o', 'pid=', '--sid', String(pid))).stdout).toBe('');
    const deaf = await container.status('deaf');
    expect((await container.svctl('stop', 'deaf', '--stop-timeout', '500ms')).code).toBe(0);
    expect((await container.exec('ps', '-o', 'pid=', '--sid', String(deaf.pid))).stdout).toBe('');
  });

  test('kills the group of a service that ignores TERM when its time is over', async () => {
    container = await TestContainer.boot({ services: { stubborn: { run: STUBBORN } }, args: METRICS });
    const { pid } = await container.reaches('stubborn', 'up');
    await container.traps('stubborn');
    const begunAt = Date.now();
    const { code } = await container.svctl('stop', 'stubborn', '--stop-timeout', '500ms');
    expect(code).toBe(0);
    expect(Date.now() - begunAt).toBeGreaterThan(450);
    expect(await container.status('stubborn')).toMatchObject({
      state: 'SERVICE_STATE_DOWN',
      lastExit: { signal: 'KILL', expected: true },
    });
    expect((await container.exec('ps', '-o', 'pid=', '--sid', String(pid))).stdout).toBe('');
    expect(await container.metric('my_init_service_kills_total{service="stubborn"}')).toBe(1);
  });

  test('kills earlier if a second stop has a shorter stop timeout', async () => {
    container = await TestContainer.boot({ services: { stubborn: { run: STUBBORN } } });
    await container.reaches('stubborn', 'up');
    await container.traps('stubborn');
    await container.svctl('stop', 'stubborn', '--no-wait', '--stop-timeout', '10');
    expect((await container.status('stubborn')).state).toBe('SERVICE_STATE_STOPPING');
    // The second stop brings the KILL forward.
    expect((await container.svctl('stop', 'stubborn', '--stop-timeout', '100ms')).code).toBe(0);
    expect((await container.status('stubborn')).state).toBe('SERVICE_STATE_DOWN');
  });

  test('ends a paused service', async () => {
    container = await TestContainer.boot({ services: { web: { run: SLEEPER } } });
    await container.reaches('web', 'up');
    await container.svctl('signal', 'STOP', 'web');
    expect((await container.status('web')).paused).toBe(true);
    await container.svctl('stop', 'web');
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_DOWN', lastExit: { signal: 'TERM' } });
  });

  test('waits for a slow finish and does not start the service again', async () => {
    const finish = sh(untilThere('go'), 'sleep 0.5', 'echo "$1 $2" > finished');
    container = await TestContainer.boot({
      services: { web: { run: SLEEPER, finish } },
      args: ['--finish-timeout', '60'],
    });
    const { pid } = await container.reaches('web', 'up');
    await container.exec('kill', '-9', String(pid));
    await container.reaches('web', 'finishing');
    const stop = container.svctl('stop', 'web');
    await waitFor('the order', async () => (await container.status('web')).desired === 'DESIRED_STATE_DOWN');
    container.write('web/go', '');
    await stop;
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_DOWN', startsTotal: 1 });
    expect(readFileSync(join(container.services, 'web/finished'), 'utf8')).toBe('-1 9\n');
  });

  test('works at once on a service in back-off', async () => {
    container = await TestContainer.boot({ services: { crashes: { run: '#!/bin/sh\nexit 3\n' } } });
    await container.reaches('crashes', 'backoff');
    await container.svctl('stop', 'crashes');
    const status = await container.status('crashes');
    expect(status).toMatchObject({ state: 'SERVICE_STATE_DOWN', desired: 'DESIRED_STATE_DOWN', trouble: '' });
    expect(status.nextStartAt).toBeUndefined();
  });

  test('works on a service that cannot be started', async () => {
    container = await TestContainer.boot({ services: { broken: {} } });
    await container.reaches('broken', 'failed');
    await container.svctl('stop', 'broken');
    expect(await container.status('broken')).toMatchObject({ state: 'SERVICE_STATE_DOWN', trouble: '' });
    // To mend the run is no order to start it.
    writeFileSync(join(container.services, 'broken/run'), SLEEPER, { mode: 0o755 });
    expect((await container.svctl('stop', 'broken')).stdout).toMatch(/already down|is down/);
    expect(await startsOf('broken')).toBe(0);
  });

  test('of a service that is down changes nothing', async () => {
    container = await TestContainer.boot({ services: { web: { run: SLEEPER, down: '' } } });
    const { revision } = JSON.parse((await container.svctl('status', '-o', 'json')).stdout);
    const { code, stdout } = await container.svctl('stop', 'web', '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).outcomes[0].changed).toBe(false);
    expect(JSON.parse((await container.svctl('status', '-o', 'json')).stdout).revision).toBe(revision);
  });

  test('is not undone by a change in the service directory', async () => {
    container = await TestContainer.boot({ services: { stubborn: { run: STUBBORN } } });
    await container.reaches('stubborn', 'up');
    await container.svctl('stop', 'stubborn', '--no-wait', '--stop-timeout', '1');
    container.addService('other', { run: SLEEPER });
    await container.reaches('other', 'up');
    await container.reaches('stubborn', 'down');
    expect(await startsOf('stubborn')).toBe(1);
  });
});

describe('an order to a service that is stopping', () => {
  /** Ends some time after its TERM; `patient` not before the file `end` exists. */
  const slow = { run: '#!/bin/sh\ntrap "sleep 0.5; exit 0" TERM\nwhile :; do sleep 1 & wait; done\n' };
  const patient = { run: slow.run.replace('sleep 0.5', 'until [ -e end ]; do sleep 0.05; done') };

  test('to start: the service is started when it has ended', async () => {
    container = await TestContainer.boot({ services: { slow } });
    const before = await container.reaches('slow', 'up');
    await container.svctl('stop', 'slow', '--no-wait');
    const { code } = await container.svctl('start', 'slow');
    expect(code).toBe(0);
    const after = await container.status('slow');
    expect(after).toMatchObject({ state: 'SERVICE_STATE_UP', run: 2, startsTotal: 2 });
    expect(after.pid).not.toBe(before.pid);
  });

  test('to restart: there is one new run, and the stop reports that it was overtaken', async () => {
    container = await TestContainer.boot({ services: { patient } });
    await container.reaches('patient', 'up');
    await container.traps('patient');
    const stop = container.svctl('stop', 'patient');
    await container.reaches('patient', 'stopping');
    const restart = container.svctl('restart', 'patient');
    expect((await stop).code).not.toBe(0);
    expect((await stop).stderr + (await stop).stdout).toContain('overtaken');
    container.write('patient/end', '');
    expect((await restart).code).toBe(0);
    expect(await container.status('patient')).toMatchObject({ state: 'SERVICE_STATE_UP', run: 2, restartsTotal: 1 });
  });
});

describe('finish', () => {
  const RECORDS = '#!/bin/sh\necho "$1 $2" >> finished\n';
  const recorded = (name: string) =>
    waitFor('finish to have run', () => {
      const path = join(container.services, name, 'finished');
      return existsSync(path) && readFileSync(path, 'utf8').split('\n')[0];
    });

  test.each([
    ['a run that ends well', 'exit 0', '0 0'],
    ['a run that fails', 'exit 3', '3 0'],
    ['a run that is killed', 'kill -9 $$', '-1 9'],
  ])('gets the arguments of runit for %s', async (_what, script, told) => {
    container = await TestContainer.boot({ services: { web: { run: `#!/bin/sh\n${script}\n`, finish: RECORDS } } });
    expect(await recorded('web')).toBe(told);
  });

  test('gets the arguments of runit for a stop', async () => {
    container = await TestContainer.boot({ services: { web: { run: SLEEPER, finish: RECORDS } } });
    await container.reaches('web', 'up');
    await container.svctl('stop', 'web');
    expect(await recorded('web')).toBe('-1 15');
  });

  test('is killed with its processes if it hangs', async () => {
    const finish = '#!/bin/sh\nsleep 1000 &\nwait\n';
    container = await TestContainer.boot({
      services: { web: { run: SLEEPER, finish } },
      args: ['--finish-timeout', '1'],
    });
    await container.reaches('web', 'up');
    // The rest of the time for the stop is added to that of finish.
    expect((await container.svctl('stop', 'web', '--stop-timeout', '1')).code).toBe(0);
    expect((await container.exec('pgrep', '-x', 'sleep')).stdout).toBe('');
  });
});
