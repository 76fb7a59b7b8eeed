import { existsSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { type ContainerOptions, TestContainer } from '../../helpers/container.js';
import { MortalController, STEP } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
afterEach(() => container.dispose());

const boot = async (options: ContainerOptions = {}): Promise<void> => {
  container = await TestContainer.boot(options);
};
const run = (...args: readonly string[]) => container.svctl('run', ...args);
const isGone = (name: string): Promise<true> => container.forgets(name);
const kills = async (): Promise<void> => {
  const controllerPid = await container.controller();
  process.kill(controllerPid, 'SIGKILL');
  await waitFor('the next controller', () => container.answers());
};

describe('svctl run', () => {
  test('starts a service that is supervised, logged and listed, and is gone when it is stopped', async () => {
    await boot();
    const { code, stdout, stderr } = await run(
      '--name',
      'dev',
      '--',
      'sh',
      '-c',
      'echo "$0 in $PWD"; exec sleep 1000',
      '$x',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^dev started: pid \d+ in \d+.*\n$/);
    expect(await container.status('dev')).toMatchObject({ state: 'SERVICE_STATE_UP', transient: true });
    const output = async () => (await container.svctl('logs', 'dev')).stdout;
    await waitFor('its output', async () => (await output()) !== '');
    expect(await output()).toContain(`$x in ${process.cwd()}`);
    expect((await container.svctl('stop', 'dev')).stdout).toMatch(
      /^dev stopped: pid \d+ \(TERM\) in|^dev stopped: pid \d+ in/,
    );
    await isGone('dev');
    expect(existsSync(`/proc/${container.pid}/root/run/my_init/services/dev`)).toBe(false);
    expect((await run('--name', 'dev', '--', 'sleep', '1000')).code).toBe(0);
  });

  test('does nothing and leaves nothing behind where the disk is full', async () => {
    await boot({ prepare: 'mount -o remount,size=1m /run' });
    await container.exec('sh', '-c', 'cat /dev/zero > /run/full');
    const { code, stderr } = await run('--name', 'dev', '--', 'sleep', '1000');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOSPC') });
    expect((await container.exec('find', '/run/my_init', '-name', '*dev*')).stdout).toBe('');
    await container.exec('rm', '/run/full');
    expect((await run('--name', 'dev', '--', 'sleep', '1000')).code).toBe(0);
  });

  test('does not run an ended command again under the next controller', async () => {
    await boot();
    await run('--name', 'brief', '--', 'sh', '-c', 'sleep 0.4; exit 3');
    await container.reaches('brief', 'failed');
    await kills();
    expect((await container.svctl('reexec')).code).toBe(0);
    expect(await container.status('brief')).toMatchObject({
      state: 'SERVICE_STATE_FAILED',
      run: 1,
      restartsTotal: 0,
      trouble: 'exited with code 3 and is not started again',
    });
  });

  test('uses the name of the program, and waits until the probe passes', async () => {
    await boot();
    const ready = '/run/dev.ready';
    const started = run('--name', 'dev', '--ready', `file:${ready}`, '--', 'sleep', '1000');
    await container.reaches('dev', 'starting');
    await container.exec('touch', ready);
    expect((await started).code).toBe(0);
    expect((await run('--', 'sleep', '1000')).stdout).toMatch(/^sleep started: /);
  });

  test('with --keep leaves a service that is stopped and can be started again', async () => {
    await boot();
    await run('--name', 'dev', '--keep', '--', 'sleep', '1000');
    await container.svctl('stop', 'dev');
    await container.reaches('dev', 'down');
    expect((await container.svctl('start', 'dev')).code).toBe(0);
  });

  test('restarts the service by the given policy, and by default never', async () => {
    await boot();
    await run('--name', 'once', '--ready', 'delay:1ms', '--', 'sh', '-c', 'sleep 0.3; exit 3');
    await container.reaches('once', 'failed');
    await run(
      '--name',
      'ever',
      '--ready',
      'delay:1ms',
      '--restart',
      'on-failure',
      '--',
      'sh',
      '-c',
      'sleep 1.1; exit 3',
    );
    await waitFor('a restart', async () => Number((await container.status('ever')).restartsTotal) > 0);
    // The reason of the end is still visible.
    expect(await container.table('once')).toContain('exit 3');
    await container.svctl('stop', 'once');
    await isGone('once');
  });

  test('refuses what it cannot do', async () => {
    await boot({ services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } } });
    await container.reaches('web', 'up');
    const refused = async (...args: string[]) => {
      const { code, stderr } = await run(...args);
      return `${code} ${stderr}`;
    };
    expect(await refused('--name', 'web', '--', 'sleep', '1')).toBe(
      '8 svctl: there is a service web already\n       Take another name, or look at the service that has it: svctl status web.\n',
    );
    expect(await refused('--name', '.web', '--', 'sleep', '1')).toMatch(/^2 .*cannot be the name of a service/);
    expect(await refused('--name', 'dev', '--ready', 'tcp:99999', '--', 'sleep', '1')).toMatch(
      /^2 .*ready\.tcp must be an address with a port from 1 to 65535/,
    );
    expect(await refused('--name', 'dev', '--ready', 'http://x y', '--', 'sleep', '1')).toMatch(
      /^2 .*ready\.http must be a URL like http:\/\/localhost:8080\/health, not "http:\/\/x y"/,
    );
    expect(await refused('--name', 'dev', '--ready', 'nonsense', '--', 'sleep', '1')).toMatch(/^2 .*--ready cannot be/);
    expect(await refused('--name', 'dev')).toMatch(/^2 .*which program/);
    expect(await refused('--name', 'dev', '--', '/no/such/program')).toMatch(
      /^9 .*exited with code 127 after [\d.]+ m?s: \/no\/such\/program: does not exist/,
    );
    expect(await container.table('dev')).toContain('/no/such/program: does not exist');
  });
});

describe('a transient service', () => {
  test('survives the controller, and is still gone when it is stopped', async () => {
    await boot();
    await run('--name', 'dev', '--ready', 'delay:1ms', '--', 'sleep', '1000');
    const { pid } = await container.status('dev');
    await kills();
    expect(await container.status('dev')).toMatchObject({ pid, state: 'SERVICE_STATE_UP', transient: true });
    await container.svctl('restart', 'dev');
    await kills();
    await container.svctl('stop', 'dev');
    await isGone('dev');
  });

  test('is made once and started once, or not at all, whenever the controller dies', async () => {
    await boot({ installation: mortal.installation });
    let died = true;
    const deaths: number[] = [];
    for (let acts = 1; died; acts += STEP || 7) {
      const name = `dev-${acts}`;
      const controllerPid = await container.controller();
      await mortal.doom(container, acts);
      const { code, stderr } = await run('--name', name, '--ready', 'delay:1ms', '--', 'sleep', '1000');
      expect({ acts, code, stderr }).toEqual({ acts, code: 0, stderr: '' });
      died = (await container.controller()) !== controllerPid;
      if (died) deaths.push(acts);
      const { pid, startsTotal } = await container.reaches(name, 'up');
      expect({ acts, startsTotal }).toEqual({ acts, startsTotal: 1 });
      expect({ acts, processes: await container.sleeping(1) }).toEqual({ acts, processes: [pid] });
      await container.svctl('stop', name);
      await isGone(name);
    }
    expect(deaths.length).toBeGreaterThan(3);
  }, 1_000_000);

  test('is gone when it is stopped, whenever the controller dies', async () => {
    await boot({ installation: mortal.installation });
    let died = true;
    const deaths: number[] = [];
    for (let acts = 1; died; acts += STEP || 7) {
      const name = `dev-${acts}`;
      await run('--name', name, '--ready', 'delay:1ms', '--', 'sleep', '1000');
      const controllerPid = await container.controller();
      await mortal.doom(container, acts);
      await container.svctl('stop', name);
      await isGone(name);
      died = (await container.controller()) !== controllerPid;
      if (died) deaths.push(acts);
      expect(await container.sleeping(0)).toEqual([]);
    }
    expect(deaths.length).toBeGreaterThan(3);
  }, 1_000_000);

  test('of the boot before is not started by the next', async () => {
    await boot({
      prepare: `mkdir -p /run/my_init/services/dev; cd /run/my_init/services/dev; echo '{"command":["sleep","1000"]}' > service.yaml; echo '{"requestId":"","keep":true}' > transient.json`,
    });
    expect((await container.svctl('status', 'dev')).code).toBe(4);
  });
});
