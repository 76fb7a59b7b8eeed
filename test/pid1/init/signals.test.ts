import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { boot, built, closeBoxes } from '../../helpers/init-harness.js';

afterEach(closeBoxes);

const RELAYED = ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'WINCH', 'PWR'] as const;

describe('init relays signals', () => {
  test.each(RELAYED)('SIG%s', async (name) => {
    const box = boot();
    const controller = await box.ready();
    await controller.call('acknowledgeSignals');
    box.signal(`SIG${name}`);
    expect(await controller.hear('signal')).toBe(`signal ${name}`);
    await controller.settle();
    box.signal(`SIG${name}`);
    await controller.hears(`signal ${name}`, 2);
  });

  test('signals that arrive before the controller listens are reported when it does', async () => {
    // A signal to the shell that is about to become init would be lost.
    const isInit = 'grep -q "^SigBlk:.*ffff" /proc/1/status';
    const box = boot({ before: `(until ${isInit}; do :; done; kill -TERM 1; kill -HUP 1) &` });
    const controller = await box.controller(1, 'signal TERM');
    await controller.hear('signal HUP');
  });

  test('an unacknowledged signal is reported to every next controller, an acknowledged one to none', async () => {
    const box = boot();
    const controller = await box.ready();
    box.signal('SIGUSR1');
    box.signal('SIGHUP');
    await controller.hear('signal USR1');
    await controller.hear('signal HUP');
    await controller.send('took HUP');
    await controller.settle();
    controller.order('die', 'SIGKILL');
    const second = await box.ready(2);
    await second.hear('signal USR1');
    second.order('die', 'SIGKILL');
    const third = await box.ready(3);
    await third.hear('signal USR1');
    expect(third.lines).not.toContain('signal HUP');
  });

  test('a signal that arrives between two controllers reaches the next', async () => {
    const box = boot();
    const controller = await box.ready();
    controller.order('die', 'SIGKILL');
    box.signal('SIGTERM');
    box.signal('SIGWINCH');
    const heard = await box.controller(2);
    await heard.hear('signal TERM');
    await heard.hear('signal WINCH');
  });

  test('the same signal is reported a second time before the first is acknowledged, but not a third time', async () => {
    const box = boot();
    const controller = await box.ready();
    for (const time of [1, 2]) {
      box.signal('SIGHUP');
      await controller.hears('signal HUP', time);
    }
    box.signal('SIGHUP');
    await controller.settle();
    expect(controller.lines.filter((line) => line === 'signal HUP')).toHaveLength(2);
  });

  test('other signals are reported as ignored, except those that come by themselves', async () => {
    const box = boot();
    const controller = await box.ready();
    for (const signal of ['SIGALRM', 'SIGTSTP'] as const) box.signal(signal);
    // Sent before CONT, with which the kernel drops a TSTP that is still pending.
    await controller.hear(`ignored ${constants.signals.SIGTSTP}`);
    for (const signal of ['SIGCONT', 'SIGCHLD'] as const) box.signal(signal);
    await controller.settle();
    const ignored = [constants.signals.SIGALRM, constants.signals.SIGTSTP].map((signal) => `ignored ${signal}`);
    expect(controller.lines.filter((line) => line.startsWith('ignored')).sort()).toEqual(ignored.sort());
    expect(controller.lines.filter((line) => line.startsWith('signal'))).toEqual([]);
  });

  test('the halt signal of systemd, SIGRTMIN+3, is reported as PWR', async () => {
    const box = boot();
    const controller = await box.ready();
    process.kill(box.pid, 37);
    await controller.hear('signal PWR');
  });
});

describe('a request to end that the controller does not acknowledge', () => {
  const HANGS = 'echo ready >&3; trap "" TERM; while :; do sleep 60; done';

  test.concurrent.each([
    ['it hangs', HANGS],
    ['it has stopped itself', 'echo ready >&3; kill -STOP $$; sleep 600'],
    ['it floods init and never reads', 'while :; do echo "kill 1 2 0"; done >&3'],
    ['it was never ready', 'sleep 600'],
  ])('makes init end by itself, exit 70: %s', async (_, standIn) => {
    const box = boot({ standIn });
    await box.quiet();
    const started = performance.now();
    box.signal('SIGTERM');
    expect((await box.ended).code).toBe(70);
    expect(performance.now() - started).toBeGreaterThan(3_900);
    expect(box.output).toContain('my_init: the controller does not answer a signal to end; ending without it\n');
  });
});

test('signals are blocked by the first system call, and TERM at any later moment ends the container', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-sweep-'));
  try {
    copyFileSync(built('my_init'), join(directory, 'my_init'));
    writeFileSync(
      join(directory, 'node'),
      '#!/bin/sh\nwhile :; do case $1 in --*) shift ;; *) break ;; esac; done\nexec /bin/sh "$@"\n',
    );
    chmodSync(join(directory, 'node'), 0o755);
    writeFileSync(
      join(directory, 'controller.js'),
      'while read -r line; do case $line in go) echo ready;; "signal TERM") echo took TERM; echo finish 7 84 3000;; esac; done <&3 >&3',
    );
    const sweep = (...range: readonly number[]) =>
      promisify(execFile)(compile('init/term-at.c'), [...range.map(String), join(directory, 'my_init')], {
        env: { ...process.env, PATH: `${directory}:${process.env.PATH}` },
      });
    const sweeps = await Promise.all([sweep(0, 2_000, 10), sweep(2_000, 100_000, 1_000)]);
    const lines = sweeps.flatMap(({ stdout }) => stdout.trim().split('\n'));
    expect(lines).toHaveLength(298);
    expect(lines.filter((line) => !line.endsWith(' 7'))).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
