/** @needs sv */
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { run, TestContainer } from '../../helpers/container.js';
import { say, see } from '../../helpers/runit-sides.js';
import { shapeOf } from '../../helpers/sv.js';
import { waitFor } from '../../helpers/wait-for.js';

const tell = compile('scenarios/tell.c');
const program = (words = ''): string => `#!${tell} ${words}\n`;

let container: TestContainer;
afterEach(() => container.dispose());

const file = (path: string): string => join(container.services, path);
const traceOf = (name: string): readonly string[] => see(container, name).trace.split('\n');
/**
 * Waits for that many notes: sv is content with a process that has not executed its program yet.
 */
const noted = (name: string, count: number): Promise<true> =>
  waitFor(`${count} notes of ${name}`, () => traceOf(name).length >= count);
const sv = (...args: readonly string[]): Promise<string> => say(container, ...args);

/**
 * sv(8) compares whole seconds: to sv, the restart of a service that started in this second would
 * be over at once.
 */
const nextSecond = (name: string) =>
  waitFor('the next second', () => Math.floor(Date.now() / 1000) > see(container, name).since);

describe('the lock', () => {
  test('of a runsv is respected: svctl says why, nothing is touched, and the service is ours when runsv is gone', async () => {
    container = await TestContainer.boot();
    const directory = join(container.directory, 'web');
    mkdirSync(directory);
    writeFileSync(join(directory, 'run'), program(), { mode: 0o755 });
    const runsv = spawn('runsv', [directory], { stdio: 'ignore' });
    try {
      await waitFor('runsv', () => existsSync(join(directory, 'trace')));
      symlinkSync(directory, file('web'));
      await container.reaches('web', 'backoff');
      expect(await container.table('web')).toContain(
        `it is supervised by somebody else, runsv perhaps: ${file('web/supervise/lock')} is locked`,
      );
      expect(await container.svctl('stop', 'web')).toMatchObject({ code: 0 });
      expect(await sv('status', 'web')).toBe('run: web: (pid N) Ts (0)');
      expect((await container.svctl('start', 'web')).stderr).toContain('could not be started: it is supervised by');
      expect(traceOf('web')).toEqual(['./run']);
    } finally {
      await sv('shutdown', 'web');
      if (runsv.exitCode === null) await new Promise((resolve) => runsv.once('exit', resolve));
    }
    expect(await container.svctl('start', 'web')).toMatchObject({ code: 0 });
    expect(await sv('status', 'web')).toBe('run: web: (pid N) Ts (0)');
    await noted('web', 3);
    expect(traceOf('web')).toEqual(['./run', 'SIGTERM', './run']);
  });
});

describe('a full disk', () => {
  test('changes nothing for sv, also under the next controller; a new service that sv cannot follow is named once', async () => {
    container = await TestContainer.boot({ prepare: 'mkdir /run/small; mount -t tmpfs -o size=32k tmpfs /run/small' });
    const makeService = (name: string): void => {
      mkdirSync(file(name));
      symlinkSync(`/run/small/${name}`, file(`${name}/supervise`));
      container.write(`${name}/run`, program());
    };
    const agrees = async (): Promise<void> => {
      const { pid } = await container.reaches('web', 'up');
      await waitFor('sv to say the same', async () =>
        (await container.exec('sv', 'status', file('web'))).stdout.startsWith(`run: ${file('web')}: (pid ${pid}) `),
      );
    };
    makeService('web');
    await agrees();
    const small = `/proc/${container.pid}/root/run/small`;
    expect(() => writeFileSync(join(small, 'ballast'), Buffer.alloc(1 << 20))).toThrow('ENOSPC');
    await container.svctl('restart', 'web');
    await agrees();
    expect((await container.exec('sv', 'stop', file('web'))).stdout).toMatch(/^ok: down: /);
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', async () => await container.answers());
    expect((await container.exec('sv', 'start', file('web'))).stdout).toMatch(/^ok: run: /);
    await agrees();
    expect(container.log()).not.toContain('sv cannot follow');
    makeService('late');
    await container.reaches('late', 'up');
    await container.svctl('restart', 'late');
    await waitFor('the warning', () =>
      container.log().includes('sv cannot follow late: ENOSPC: no space left on device'),
    );
    expect(container.log().match(/sv cannot follow/g)).toHaveLength(1);
    rmSync(join(small, 'ballast'));
    await container.svctl('restart', 'late');
    expect((await container.exec('sv', 'stop', file('late'))).stdout).toMatch(/^ok: down: /);
  });
});

describe('sv in the run script of another service', () => {
  test('works at boot, whichever comes first: all control directories exist before the first start', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const waits = (other: string) => `#!/bin/sh\nexport SVDIR=..\nsv start ${other} || exit 1\nexec sleep 1000\n`;
    container = await TestContainer.boot({
      services: Object.fromEntries(
        names.map((name) => [name, { run: name === 'e' ? program() : waits('e') }] as const),
      ),
    });
    for (const name of names) {
      await container.reaches(name, 'up');
      expect(await container.status(name)).toMatchObject({ run: 1, consecutiveFailures: 0 });
    }
    expect(container.log()).not.toContain('unable to');
  });
});

describe('files of supervise that somebody deletes or replaces', () => {
  const damages = {
    'control is deleted': () => rmSync(file('web/supervise/control')),
    'ok is deleted': () => rmSync(file('web/supervise/ok')),
    'ok is a file': () => {
      rmSync(file('web/supervise/ok'));
      writeFileSync(file('web/supervise/ok'), '');
    },
    'control is a file': () => {
      rmSync(file('web/supervise/control'));
      writeFileSync(file('web/supervise/control'), '');
    },
  };
  for (const [what, damage] of Object.entries(damages))
    test(`are made again, and the log says so: ${what}`, async () => {
      container = await TestContainer.boot({ services: { web: { run: program() } } });
      await container.reaches('web', 'up');
      damage();
      await waitFor('the repair', () => container.log().includes('web: control or ok was deleted or replaced'));
      expect(await sv('status', 'web')).toBe('run: web: (pid N) Ts (0)');
      expect(await sv('stop', 'web')).toMatch(/^ok: down: web/);
      expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_DOWN' });
    });

  test('are made again also if they were replaced while there was no controller', async () => {
    container = await TestContainer.boot({ services: { web: { run: program() } } });
    await container.reaches('web', 'up');
    process.kill(container.controllerPid, 'SIGKILL');
    rmSync(file('web/supervise/control'));
    writeFileSync(file('web/supervise/control'), '');
    await waitFor('the next controller', () => container.answers());
    await container.svctl('rescan');
    expect(await sv('status', 'web')).toBe('run: web: (pid N) Ts (0)');
    expect(await sv('stop', 'web')).toMatch(/^ok: down: web/);
  });
});

describe('the control FIFO', () => {
  test('accepts several commands in one write, in their order, and ignores unknown ones', async () => {
    container = await TestContainer.boot({
      services: { web: { run: program(), finish: program('exit=0'), down: '' } },
    });
    const order = (commands: string): void => writeFileSync(file('web/supervise/control'), commands);
    await waitFor('the FIFO', () => existsSync(file('web/supervise/ok')));
    order('hu');
    await waitFor('a run', () => traceOf('web').includes('./run'));
    order('h\n1~t');
    await waitFor('the next run', () => traceOf('web').length === 6);
    expect(traceOf('web')).toEqual(['./run', 'SIGHUP', 'SIGUSR1', 'SIGTERM', './finish 0 0', './run']);
  });

  test('withstands random bytes', async () => {
    container = await TestContainer.boot({ services: { web: { run: program() }, other: { run: program() } } });
    const { pid } = await container.reaches('other', 'up');
    await container.reaches('web', 'up');
    // Most bytes are no commands, the rest are all commands in some order; bytes that come while
    // the service is released are lost.
    const noise = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919 + (index >> 7)) % 256));
    writeFileSync(join(container.directory, 'noise'), noise);
    await run('dd', [`if=${join(container.directory, 'noise')}`, `of=${file('web/supervise/control')}`, 'status=none']);
    await waitFor('an order that none is left to undo', async () => {
      await nextSecond('web');
      await sv('force-restart', 'web');
      return (await sv('status', 'web')) === 'run: web: (pid N) Ts (0)';
    });
    expect(await container.status('other')).toMatchObject({ pid, state: 'SERVICE_STATE_UP' });
  });
});

describe('a service directory as it is with runit', () => {
  test('has conf, chpst, and svlogd as its logger', async () => {
    const script = 'echo "$FOO as $(id -u), at most $(ulimit -n) files"; exec sleep 1000';
    container = await TestContainer.boot({
      services: {
        web: {
          run: `#!/bin/sh\nexec 2>&1\n. ./conf\nexport FOO\nexec chpst -u nobody -o 100 sh -c '${script}'\n`,
          conf: 'FOO=bar\n',
          'log/run': '#!/bin/sh\nmkdir -p main\nexec svlogd -tt ./main\n',
        },
      },
    });
    await container.reaches('web', 'up');
    await container.reaches('web/log', 'up');
    const written = (): string => readFileSync(file('web/log/main/current'), 'utf8');
    await waitFor('the line', () => existsSync(file('web/log/main/current')) && written() !== '');
    expect(written()).toMatch(/^\d{4}-\d\d-\d\d_\S+ bar as \d+, at most 100 files\n$/);
    expect(await sv('status', 'web')).toBe('run: web: (pid N) Ts; run: log: (pid N) Ts (0)');
    await nextSecond('web/log');
    expect(await sv('restart', 'web/log')).toBe('ok: run: web/log: (pid N) Ts (0)');
    expect(await sv('down', 'web/log')).toBe(' (0)');
    await container.reaches('web/log', 'down');
    expect(await sv('status', 'web')).toBe('run: web: (pid N) Ts; down: log: Ts, normally up (0)');
  });

  test('has a logger whose control scripts and finish do not run, and which may have a file down', async () => {
    const own = { 'control/t': program('exit=1'), 'control/u': program('exit=1'), finish: program('exit=0') };
    const log = { 'log/run': program(), 'log/control/t': own['control/t'], 'log/finish': own.finish };
    container = await TestContainer.boot({
      services: {
        web: { run: program(), ...own, ...log },
        quiet: { run: program(), 'log/run': program(), 'log/down': '' },
      },
    });
    await container.reaches('web', 'up');
    await container.reaches('web/log', 'up');
    for (const name of ['web', 'web/log']) {
      await waitFor(`${name} to run`, () => see(container, name).takesSignals);
      await nextSecond(name);
      expect(await sv('restart', name)).toMatch(/^ok: run/);
    }
    await noted('web', 7);
    expect(traceOf('web')).toEqual([
      ...['control/u', './run', 'control/t', 'SIGTERM', './finish 0 0', 'control/u', './run'],
    ]);
    await noted('web/log', 3);
    expect(traceOf('web/log')).toEqual(['./run', 'SIGTERM', './run']);
    expect(await sv('status', 'quiet')).toBe('run: quiet: (pid N) Ts; down: log: Ts (0)');
    expect(await sv('-v', 'once', 'quiet/log')).toMatch(/^ok: run: quiet\/log: .* want down \(0\)$/);
  });

  test('may be a link, and its supervise a link to a directory that does not exist yet', async () => {
    container = await TestContainer.boot();
    const real = join(container.directory, 'sv/web');
    const supervise = join(container.directory, 'state/supervise.web');
    mkdirSync(real, { recursive: true });
    mkdirSync(join(container.directory, 'state'));
    writeFileSync(join(real, 'run'), program(), { mode: 0o755 });
    symlinkSync(supervise, join(real, 'supervise'));
    symlinkSync(real, file('web'));
    await container.reaches('web', 'up');
    expect(lstatSync(supervise).mode & 0o777).toBe(0o700);
    await nextSecond('web');
    expect(await sv('restart', 'web')).toBe('ok: run: web: (pid N) Ts (0)');
    expect(lstatSync(join(real, 'supervise')).isSymbolicLink()).toBe(true);
  });

  test('may be read-only: its supervise directory is below /run, with its check and its down', async () => {
    container = await TestContainer.boot({
      services: {
        web: { run: '#!/bin/sh\nexec sleep 1000\n', check: '#!/bin/sh\nexit 1\n' },
        other: { run: '#!/bin/sh\nexec sleep 1000\n', down: '' },
      },
      prepare: 'mount -o bind "$3" "$3"; mount -o remount,bind,ro "$3"',
    });
    // The check of the service fails: the service runs and is not ready.
    await waitFor('the process of web', async () => (await container.status('web')).pid > 0);
    const inside = async (...args: readonly string[]): Promise<string> => {
      const { stdout, code } = await container.exec('env', 'SVDIR=/run/my_init/supervise', 'SVWAIT=1', 'sv', ...args);
      return `${shapeOf(stdout)} (${code})`;
    };
    expect(await inside('status', 'web', 'other')).toBe('run: web: (pid N) Ts\ndown: other: Ts (0)');
    expect(await inside('start', 'other')).toBe('ok: run: other: (pid N) Ts, normally down (0)');
    expect(await inside('check', 'web')).toBe('timeout: run: web: (pid N) Ts (1)');
    expect(await inside('stop', 'web')).toBe('ok: down: web: Ts, normally up (0)');
    expect(await container.status('web')).toMatchObject({
      state: 'SERVICE_STATE_DOWN',
      cause: { kind: 'CAUSE_KIND_SV' },
    });
    expect(existsSync(file('web/supervise'))).toBe(false);
  });

  test('gets a complete supervise directory again with the next change after somebody removes it', async () => {
    container = await TestContainer.boot({ services: { web: { run: program() } } });
    await container.reaches('web', 'up');
    await waitFor('the files', () => existsSync(file('web/supervise/ok')));
    rmSync(file('web/supervise'), { recursive: true, maxRetries: 20 });
    await container.svctl('signal', 'STOP', 'web');
    await waitFor('the files once more', () => existsSync(file('web/supervise/ok')));
    expect(await sv('status', 'web')).toBe('run: web: (pid N) Ts, paused (0)');
  });

  test('has a link of its name to sv in /etc/init.d', async () => {
    container = await TestContainer.boot({ services: { web: { run: program() } } });
    await container.reaches('web', 'up');
    const link = join(container.directory, 'web');
    symlinkSync('/usr/bin/sv', link);
    const script = async (command: string): Promise<number> =>
      (await run('env', [`SVDIR=${container.services}`, link, command])).code;
    const codes: number[] = [];
    for (const command of ['status', 'stop', 'status', 'start', 'status', 'restart', 'reload', 'nonsense'])
      codes.push(await script(command));
    expect(codes).toEqual([0, 0, 3, 0, 0, 0, 0, 2]);
    await sv('exit', 'web');
    await waitFor('it to be let go of', async () => (await script('status')) === 1);
  });
});
