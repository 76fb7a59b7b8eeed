/** @needs sv */
import { closeSync, constants, lstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, run, TestContainer } from '../../helpers/container.js';
import { shapeOf, sv } from '../../helpers/sv.js';
import { waitFor } from '../../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';
const STUBBORN = '#!/bin/sh\ntrap "" TERM\nwhile :; do sleep 1 & wait; done\n';

let container: TestContainer;
afterEach(() => container.dispose());

/** The output and exit code of sv. */
const says = async (...args: readonly string[]): Promise<readonly [string, number]> => {
  const { stdout, code } = await sv(container.services, ...args);
  return [shapeOf(stdout), code];
};

/** Nobody reads `supervise/ok`: to sv(8), the service has no supervisor. */
function isReleased(name: string): boolean {
  try {
    closeSync(openSync(join(container.services, name, 'supervise/ok'), constants.O_WRONLY | constants.O_NONBLOCK));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENXIO';
  }
}

describe('the sv of Debian', () => {
  test('shows, stops and starts services, and svctl says the same', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS }, other: { run: WORKS, down: '' } } });
    await container.reaches('web', 'up');
    expect(await says('status', 'web', 'other')).toEqual(['run: web: (pid N) Ts\ndown: other: Ts', 0]);
    expect(await says('stop', 'web')).toEqual(['ok: down: web: Ts, normally up', 0]);
    expect(await container.status('web')).toMatchObject({
      state: 'SERVICE_STATE_DOWN',
      desired: 'DESIRED_STATE_DOWN',
      lastExit: { signal: 'TERM', expected: true },
    });
    expect(await says('start', 'web')).toEqual(['ok: run: web: (pid N) Ts', 0]);
    expect(await container.status('web')).toMatchObject({ run: 2, cause: { kind: 'CAUSE_KIND_SV' } });
    await container.svctl('stop', 'web');
    expect(await says('status', 'web')).toEqual(['down: web: Ts, normally up', 0]);
    await container.svctl('start', 'other');
    expect(await says('status', 'other')).toEqual(['run: other: (pid N) Ts, normally down', 0]);
  });

  test('restarts a service, and the restart is counted as one by sv', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } }, args: METRICS });
    const { pid, startedAt } = await container.reaches('web', 'up');
    // sv(8) compares whole seconds: to sv, the restart of a service that started in this second
    // would be over at once.
    await waitFor('the next second', () => Date.now() - Date.parse(String(startedAt)) > 1000);
    expect(await says('restart', 'web')).toEqual(['ok: run: web: (pid N) Ts', 0]);
    expect((await container.status('web')).pid).not.toBe(pid);
    expect(await container.metric('my_init_service_restarts_total{service="web",reason="sv"}')).toBe(1);
  });

  test('kills a service that does not end only if it is forced to', async () => {
    container = await TestContainer.boot({ services: { web: { run: STUBBORN } } });
    await container.reaches('web', 'up');
    await container.traps('web');
    expect(await says('-w', '1', 'stop', 'web')).toEqual(['timeout: run: web: (pid N) Ts, want down, got TERM', 1]);
    expect((await container.status('web')).state).toBe('SERVICE_STATE_STOPPING');
    expect(await says('-w', '1', 'force-stop', 'web')).toEqual(['kill: run: web: (pid N) Ts, want down, got TERM', 1]);
    expect(await container.reaches('web', 'down')).toMatchObject({ lastExit: { signal: 'KILL' } });
  });

  test('starts at once a service that waits for its next attempt', async () => {
    container = await TestContainer.boot({
      services: { web: { run: '#!/bin/sh\ntest -e works || exit 1\nexec sleep 1000\n' } },
    });
    await waitFor('three failures', async () => Number((await container.status('web')).consecutiveFailures) >= 3);
    await container.reaches('web', 'backoff');
    container.write('web/works', '');
    const { run: before } = await container.status('web');
    expect(await says('start', 'web')).toEqual(['ok: run: web: (pid N) Ts', 0]);
    expect(await container.status('web')).toMatchObject({ run: Number(before) + 1 });
  });

  test('can give orders while the controller is being replaced: they queue', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS }, other: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    await container.reaches('other', 'up');
    const status = readFileSync(join(container.services, 'web/supervise/status'));
    const { controllerPid } = container;
    process.kill(controllerPid, 'SIGSTOP');
    const order = sv(container.services, '-w', '60', 'stop', 'other');
    await waitFor('the order to be given', async () => (await sv(container.services, 'status', 'web')).code === 0);
    process.kill(controllerPid, 'SIGKILL');
    expect(shapeOf((await order).stdout)).toBe('ok: down: other: Ts, normally up');
    expect(readFileSync(join(container.services, 'web/supervise/status'))).toEqual(status);
    expect(await says('status', 'web')).toEqual(['run: web: (pid N) Ts', 0]);
    expect(await container.status('web')).toMatchObject({ pid, run: 1 });
  });

  test('releases a service on exit, and starts over with it', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    const shutdown = says('-w', '60', 'shutdown', 'web');
    await waitFor('the service to be released', () => isReleased('web'));
    // The service is away for two seconds. On a busy machine sv may need longer: the controller
    // waits for it.
    process.kill(container.controllerPid, 'SIGSTOP');
    expect(await shutdown).toEqual(['ok: web: runsv not running', 0]);
    expect(await says('status', 'web')).toEqual(['fail: web: runsv not running', 1]);
    process.kill(container.controllerPid, 'SIGCONT');
    const again = await container.reaches('web', 'up');
    expect(again.pid).not.toBe(pid);
    expect(await says('status', 'web')).toEqual(['run: web: (pid N) Ts', 0]);
  });
});

describe('the supervise directory', () => {
  test('contains the same files as that of runsv, for its owner alone', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    const directory = join(container.services, 'web/supervise');
    const modeOf = (name: string) => (lstatSync(join(directory, name)).mode & 0o777).toString(8);
    expect(['.', 'control', 'lock', 'status', 'stat', 'pid'].map(modeOf)).toEqual([
      '700',
      '600',
      '600',
      '644',
      '644',
      '644',
    ]);
    expect(readFileSync(join(directory, 'pid'), 'utf8')).toBe(`${pid}\n`);
    expect(readFileSync(join(directory, 'stat'), 'utf8')).toBe('run\n');
    await container.svctl('stop', 'web');
    expect(readFileSync(join(directory, 'pid'), 'utf8')).toBe('');
    expect(readFileSync(join(directory, 'stat'), 'utf8')).toBe('down\n');
  });

  test('is locked: a runsv that is started on it refuses', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    await container.reaches('web', 'up');
    const directory = join(container.services, 'web');
    const refused = {
      code: 111,
      stderr: `runsv ${directory}: fatal: unable to lock supervise/lock: temporary failure\n`,
    };
    expect(await run('runsv', [directory])).toMatchObject(refused);
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', () => container.answers());
    expect(await run('runsv', [directory])).toMatchObject(refused);
    expect((await sv(container.services, 'restart', 'web')).code).toBe(0);
  });
});
