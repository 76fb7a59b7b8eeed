import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { type Box, boot, type Controller, closeBoxes } from '../../helpers/init-harness.js';
import { childrenOf, stateOf } from '../../helpers/processes.js';
import { waitFor } from '../../helpers/wait-for.js';

afterEach(closeBoxes);

/** A deadline far away: a test that ends has ended without it. */
const LONG_MS = 3_600_000;

const STUBBORN = 'trap "" TERM; echo up; while :; do sleep 1; done';

/**
 * Waits for the end; returns its code and how long it took. A test with a lower limit passes
 * `started`, taken before the order: init acts before the puppet answers.
 */
async function end(
  box: Box,
  started = performance.now(),
): Promise<{ readonly code: number | null; readonly ms: number }> {
  const { code } = await box.ended;
  return { code, ms: performance.now() - started };
}

/** The puppet exits when init closes the link because all other processes are gone. */
const exitAtTheEnd = (controller: Controller) => controller.order('exitAtTheEnd');

describe('init finishes', () => {
  test('with each exit code, at once if no process is left', async () => {
    const seen = new Set<number | null>();
    for (let code = 0; code < 256; code += 4) {
      const boxes = [0, 1, 2, 3].map((i) => boot({ standIn: `echo "finish ${code + i} 84 5000" >&3; exit` }));
      for (const box of boxes) seen.add((await box.ended).code);
      await closeBoxes();
    }
    expect(seen.size).toBe(256);
  });

  test.each(['pid1', 'subreaper'] as const)('after a process that ends at TERM, no later (%s)', async (as) => {
    const box = boot({ as });
    const controller = await box.ready();
    await controller.call(
      'output',
      'sh',
      '-c',
      'trap "sleep 0.2; exit" TERM; (setsid sleep 60 &); echo up; while :; do sleep 1 & wait; done',
    );
    exitAtTheEnd(controller);
    const started = performance.now();
    await controller.send(`finish 5 84 ${LONG_MS}`);
    const { code, ms } = await end(box, started);
    expect(code).toBe(5);
    expect(ms).toBeGreaterThan(100);
  });

  test.each(['pid1', 'subreaper'] as const)(
    'after killing a process that ignores TERM, which the exit code shows (%s)',
    async (as) => {
      const box = boot({ as });
      const controller = await box.ready();
      await controller.call('output', 'setsid', 'sh', '-c', STUBBORN);
      exitAtTheEnd(controller);
      await controller.send('finish 5 84 300');
      const { code, ms } = await end(box);
      expect(code).toBe(84);
      expect(ms).toBeLessThan(60_000);
    },
  );

  test('at once when another TERM comes during the wait', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.call('output', 'setsid', 'sh', '-c', STUBBORN);
    await controller.send(`finish 5 84 ${LONG_MS}`);
    await controller.settle();
    box.signal('SIGTERM');
    const { code } = await end(box);
    expect(code).toBe(84);
  });

  test('after a stopped process has had its TERM', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.call('output', 'sh', '-c', 'echo up; kill -STOP $$; sleep 60');
    exitAtTheEnd(controller);
    await controller.send(`finish 5 84 ${LONG_MS}`);
    const { code } = await end(box);
    expect(code).toBe(5);
  });

  test('when a process is gone whose first thread ended before', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.call('output', compile('init/headless.c', '-pthread'));
    exitAtTheEnd(controller);
    await controller.send('finish 5 84 400');
    expect(await end(box)).toMatchObject({ code: 84 });
  });

  test('when a process that entered the namespace from outside has ended at its TERM', async () => {
    const box = boot();
    const controller = await box.ready();
    const stranger = spawn('nsenter', [
      `--pid=/proc/${box.pid}/ns/pid`,
      'sh',
      '-c',
      'trap "sleep 0.3; exit 9" TERM; echo up; while :; do sleep 1 & wait; done',
    ]);
    const ended = new Promise((resolve) => stranger.on('close', resolve));
    await new Promise((resolve) => stranger.stdout.once('data', resolve));
    exitAtTheEnd(controller);
    const started = performance.now();
    await controller.send(`finish 5 84 ${LONG_MS}`);
    const { code, ms } = await end(box, started);
    expect(code).toBe(5);
    expect(ms).toBeGreaterThan(200);
    expect(await ended).toBe(9);
  });

  test('as a subreaper without ending others than its descendants', async () => {
    const box = boot({ as: 'subreaper', before: 'setsid sleep 60 & setsid sleep 61 & trap "" TERM' });
    const controller = await box.ready();
    const shell = (await waitFor('the shell', () => childrenOf(box.shell).length === 3)) && box.shell;
    const others = childrenOf(shell).filter((pid) => pid !== box.pid);
    await controller.call('spawn', 'setsid', 'sleep', '60');
    exitAtTheEnd(controller);
    process.kill(shell, 'SIGSTOP'); // for the shell's end would take the others along
    await controller.send(`finish 5 84 ${LONG_MS}`);
    await waitFor('the end', () => stateOf(box.pid) === 'Z');
    expect(others.map(stateOf)).toEqual(['S', 'S']);
    process.kill(shell, 'SIGCONT');
    expect((await end(box)).code).toBe(5);
  });

  test.each(['pid1', 'subreaper'] as const)('after ending watched processes also without /proc (%s)', async (as) => {
    const box = boot({ as, before: 'mount -t tmpfs none /proc' });
    const controller = await box.ready();
    const pid = await controller.call<number>('spawn', 'sleep', '60');
    await controller.send(`watch ${pid}`);
    controller.order('exitAtTerm');
    await controller.send(`finish 5 84 ${LONG_MS}`);
    const { code } = await end(box);
    expect(code).toBe(5);
  });

  test('after giving the controller a second for its last words: end of file says that it is alone', async () => {
    const box = boot();
    const controller = await box.ready();
    const started = performance.now();
    await controller.send(`finish 5 84 ${LONG_MS}`);
    await waitFor('end of file', () => controller.ended);
    const { code, ms } = await end(box, started); // The puppet does not exit by itself.
    expect(code).toBe(5);
    expect(ms).toBeGreaterThan(500);
  });

  test('without restarting a controller that dies meanwhile, and the wait goes on', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.call(
      'output',
      'setsid',
      'sh',
      '-c',
      'trap "sleep 0.3; exit" TERM; echo up; while :; do sleep 1 & wait; done',
    );
    await controller.send(`finish 5 84 ${LONG_MS}`);
    controller.order('die', 'SIGKILL');
    expect(await end(box)).toMatchObject({ code: 5 });
    expect(box.controllers).toHaveLength(1);
  });

  describe('without a controller, the last words of the services are passed on', () => {
    const TALKATIVE = (words: string) => `trap '${words}; exit' TERM; echo up > "$0"; while :; do sleep 1 & wait; done`;

    /** Starts a service that init holds the pipes of, and waits until it listens to TERM. */
    async function capture(box: Box, controller: Controller, words: string): Promise<void> {
      const up = join(box.directory, 'up');
      await controller.call('captured', 7, 'sh', '-c', TALKATIVE(words), up);
      await waitFor('the service', () => existsSync(up));
    }

    test.each([
      ['a socket', ''],
      ['a file', 'exec >>"$(dirname "$0")/out" 2>>"$(dirname "$0")/err"'],
    ])('to %s', async (_, before) => {
      const box = boot({ before });
      const controller = await box.ready();
      await capture(box, controller, 'echo the last of out; echo the last of err >&2');
      await controller.send(`finish 5 84 ${LONG_MS}`);
      controller.order('die', 'SIGKILL');
      expect((await end(box)).code).toBe(5);
      const read = (name: string) => readFileSync(join(box.directory, name), 'utf8');
      expect(before === '' ? box.standardOutput : read('out')).toBe('the last of out\n');
      expect(before === '' ? box.standardError : read('err')).toMatch(/the last of err\n$/); // the shell says more
    });

    test('to a pipe', async () => {
      const box = boot({ before: 'mkfifo "$(dirname "$0")/fifo"; exec >"$(dirname "$0")/fifo"' });
      const fifo = join(box.directory, 'fifo');
      await waitFor('the FIFO', () => existsSync(fifo));
      const reader = spawn('cat', [fifo]);
      let text = '';
      reader.stdout.on('data', (chunk) => {
        text += chunk;
      });
      const closed = new Promise((resolve) => reader.on('close', resolve));
      const controller = await box.ready();
      await capture(box, controller, 'echo bye');
      await controller.send(`finish 5 84 ${LONG_MS}`);
      controller.order('die', 'SIGKILL');
      expect((await end(box)).code).toBe(5);
      await closed;
      expect(text).toBe('bye\n');
    });

    test('after five deaths, too', async () => {
      const box = boot();
      await capture(box, await box.ready(), 'echo bye');
      for (const generation of [1, 2, 3, 4, 5]) (await box.ready(generation)).order('die', 'SIGKILL');
      expect((await end(box)).code).toBe(70);
      expect(box.standardOutput).toBe('bye\n');
    });

    test('more than a pipe takes does not block its writer', async () => {
      const box = boot();
      const controller = await box.ready();
      await capture(box, controller, 'seq 100000');
      await controller.send(`finish 5 84 ${LONG_MS}`);
      controller.order('die', 'SIGKILL');
      expect((await end(box)).code).toBe(5);
      expect(box.standardOutput.startsWith('1\n2\n3\n')).toBe(true);
    });

    test.each([
      ['that nobody reads any more', 'exec 9<>"$(dirname "$0")/fifo" >"$(dirname "$0")/fifo"'],
      ['whose reader has stalled', 'exec >"$(dirname "$0")/fifo"'],
    ])('an output %s loses them and holds nobody up', async (_, redirection) => {
      const box = boot({ before: `mkfifo "$(dirname "$0")/fifo"; ${redirection}` });
      const fifo = join(box.directory, 'fifo');
      await waitFor('the FIFO', () => existsSync(fifo));
      const stalled = spawn('sh', ['-c', 'exec sleep 600 <"$0"', fifo]);
      const controller = await box.ready();
      if (redirection.includes('9<>')) stalled.kill();
      await capture(box, controller, 'seq 100000');
      await controller.send('finish 5 84 400');
      controller.order('die', 'SIGKILL');
      const { code, ms } = await end(box);
      stalled.kill();
      expect([5, 84]).toContain(code);
      expect(ms).toBeLessThan(60_000);
    });
  });

  test('leave waits only for the controller', async () => {
    const box = boot({ as: 'subreaper' });
    const controller = await box.ready();
    await controller.call('output', 'setsid', 'sh', '-c', STUBBORN);
    exitAtTheEnd(controller);
    await controller.send('leave 6');
    const { code, ms } = await end(box);
    expect(code).toBe(6);
    expect(ms).toBeLessThan(60_000);
  });

  test('leave kills a controller that does not exit within a second, and no other process gets a signal', async () => {
    const box = boot({ as: 'subreaper' });
    const controller = await box.ready();
    await controller.call('spawn', 'setsid', 'sleep', '60');
    const { shell, pid } = box;
    const other = await waitFor('sleep', () => childrenOf(childrenOf(pid)[0] ?? 0)[0]);
    process.kill(shell, 'SIGSTOP'); // for the shell's end would take the other along
    await controller.send('leave 6');
    await waitFor('the end', () => stateOf(pid) === 'Z');
    expect(stateOf(other)).toBe('S');
    process.kill(shell, 'SIGCONT');
    expect((await end(box)).code).toBe(6);
  });

  test('a deadline that passes without finish makes init end by itself, exit 70; a cleared deadline has no effect', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.send('deadline 20', 'deadline 0');
    await controller.call('block', 60);
    await controller.settle();
    await controller.send('deadline 50');
    exitAtTheEnd(controller);
    expect(await end(box)).toMatchObject({ code: 70 });
  });

  test('thirty processes that fork without pause and ignore TERM are ended', async () => {
    const box = boot();
    const controller = await box.ready();
    const churn = 'while :; do (setsid sh -c "sleep 0.01" & sleep 0.005); done';
    await controller.call('spawn', 'sh', '-c', `trap "" TERM; for i in $(seq 30); do setsid sh -c '${churn}' & done`);
    await waitFor('a crowd', () => childrenOf(box.pid).length > 30);
    exitAtTheEnd(controller);
    await controller.send('finish 5 84 300');
    const { code, ms } = await end(box);
    expect(code).toBe(84);
    expect(ms).toBeLessThan(60_000);
  });
});
