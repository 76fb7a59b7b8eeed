import { spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, wholeRun } from '../../helpers/whole-run.js';

let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});

describe('as a subreaper', () => {
  test('my_init boots, says so, reaps the orphans of its services and stops', async () => {
    container = await TestContainer.boot({
      as: 'subreaper',
      services: { leaky: { run: sh('for i in 1 2 3; do (sleep 0.05 &) ; done', 'exec sleep 1000') } },
    });
    const reaped = async () => JSON.parse((await container?.svctl('info', '-o', 'json'))?.stdout ?? '{}');
    const info = await waitFor('the orphans', async () => {
      const now = await reaped();
      return (
        JSON.stringify(now).includes('"zombiesReaped') &&
        Number(now.zombiesReaped ?? now.zombiesReapedTotal) >= 3 &&
        now
      );
    });
    expect(info).toMatchObject({ subreaper: true });
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
  });

  test('my_init ends what its services have left behind, and nobody else', async () => {
    const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
    container = await TestContainer.boot({
      as: 'subreaper',
      unattended: true,
      services: { leaky: { run: sh('setsid sleep 1001 &', 'echo "left $!"', 'exec sleep 1000') } },
    });
    const left = await waitFor('the process', () => /^left (\d+)$/m.exec(container?.log() ?? '')?.[1]);
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(() => process.kill(Number(left), 0)).toThrow('ESRCH');
    expect(stranger.exitCode).toBeNull();
    expect(process.kill(Number(stranger.pid), 0)).toBe(true);
    stranger.kill('SIGKILL');
  });

  test('my_init exits with the code of the main command', async () => {
    expect((await wholeRun({ as: 'subreaper', args: ['sh', '-c', 'kill -SEGV $$'] })).code).toBe(139);
  });

  test('my_init leaves remaining processes alone with --no-kill-all-on-exit', async () => {
    container = await TestContainer.boot({
      as: 'subreaper',
      unattended: true,
      args: ['--no-kill-all-on-exit', '--skip-runit', 'sh', '-c', 'setsid sleep 1002 & echo "left $!"; exit 8'],
    });
    expect(await container.exit).toBe(8);
    const left = Number(/^left (\d+)$/m.exec(container.log())?.[1]);
    expect(process.kill(left, 'SIGKILL')).toBe(true);
  });

  test('my_init has its services stopped even when it is killed itself', async () => {
    container = await TestContainer.boot({
      as: 'subreaper',
      services: {
        a: { run: sh('echo "service $$"', 'trap "echo stopped; exit" TERM', 'while :; do sleep 1 & wait; done') },
      },
    });
    const { controllerPid } = container;
    await container.reaches('a', 'up');
    container.signal('SIGKILL');
    expect(await container.exit).toBe(137);
    await waitFor('the end of the service', () => container?.log().includes('stopped'));
    await waitFor('the end of the controller', () => !alive(controllerPid));
    expect(container.log()).toContain('*** Shutting down: init is gone.');
  });
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
