import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { native } from '../../../../src/process/native.js';
import { HeldDescriptors } from '../../../../src/supervisor/checks/held-descriptors.js';
import {
  type CheckedStatus,
  type ChecksDependencies,
  type Provision,
  ServiceChecks,
} from '../../../../src/supervisor/checks/service-checks.js';
import type { Live, ProbeTimes, Readiness } from '../../../../src/supervisor/definition/definition.js';
import type { ServiceName } from '../../../../src/types/service.js';
import { waitFor } from '../../../helpers/wait-for.js';

const NAME = 'web' as ServiceName;
const QUICK: ProbeTimes = { intervalMs: 5, timeoutMs: 1_000, failures: 2, successes: 1 };

let directory: string;
let scene: Scene;
const processes: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'my_init-notify-'));
});
afterEach(() => {
  scene.checks.close();
  for (const one of processes.splice(0)) one.kill('SIGKILL');
  rmSync(directory, { recursive: true, maxRetries: 20 });
});

/**
 * The checks of one service, and their reports. The descriptors that init would hold are kept here.
 */
class Scene {
  readonly said: string[] = [];
  readonly held = new Map<string, number>();
  readonly lines = new Map<string, () => void>();
  checks: ServiceChecks;
  readonly #rules: { readonly ready: Readiness; readonly live: Live | undefined; readonly watchdogMs: number };
  #status: CheckedStatus = { run: 0, pid: 0, ready: false, wanted: false, paused: false, held: false };
  #series = 1;
  #descriptors: HeldDescriptors | undefined;

  constructor(ready: Readiness, live?: Live, watchdogMs = 0) {
    this.#rules = { ready, live, watchdogMs };
    this.checks = this.#make(new Map());
  }

  follow(change: Partial<CheckedStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.checks.follow(this.#status);
  }

  /** The next controller, with the descriptors that init has held. */
  succeed(): void {
    const held = new Map([...this.held].map(([name, fd]) => [name, native().replaceDescriptor(fd, fd)]));
    this.checks.close();
    this.#series += 1;
    this.checks = this.#make(held);
    for (const [name, fd] of held) this.held.set(name, fd);
    this.checks.follow(this.#status);
  }

  /** Leaves the messages of the service to the next controller. */
  standStill(): void {
    this.#descriptors?.pause(true);
  }

  #make(held: ReadonlyMap<string, number>): ServiceChecks {
    const holder = {
      hold: (name: string, fd: number) => void this.held.set(name, fd),
      release: (name: string) => void this.held.delete(name),
    };
    this.#descriptors = new HeldDescriptors(holder, held, this.#series);
    const world: ChecksDependencies = {
      descriptors: this.#descriptors,
      initPid: 1,
      socketDirectory: () => join(directory, 'notify'),
      run: () => Promise.resolve({ failure: 'there are no programs here' }),
      awaitLine: (_name, pattern, found) => {
        this.lines.set(pattern, found);
        return () => void this.lines.delete(pattern);
      },
      warn: (text) => void this.said.push(`warning: ${text}`),
    };
    return new ServiceChecks(NAME, this.#rules, world, {
      ready: () => {
        this.said.push('ready');
        this.follow({ ready: true });
      },
      unready: (problem) => void this.said.push(`unready: ${problem}`),
      dead: (problem) => void this.said.push(`dead: ${problem}`),
      notice: (notice) => void this.said.push(Object.values(notice).join(' ')),
    });
  }

  says(word: string): Promise<unknown> {
    return waitFor(`"${word}"; said ${JSON.stringify(this.said)}`, () => this.said.includes(word));
  }
}

/**
 * A process that reads Python from its standard input. It has the environment and the descriptor of
 * a provision.
 */
function service({ variables, passed }: Provision): ChildProcess & { run(code: string): void } {
  const child = spawn('python3', ['-uic', HELPERS], {
    env: { PATH: process.env.PATH, ...Object.fromEntries(variables) },
    stdio: ['pipe', 'ignore', process.env.DEBUG ? 'inherit' : 'ignore', passed === undefined ? 'ignore' : passed.fd],
    detached: true,
  });
  processes.push(child);
  return Object.assign(child, { run: (code: string) => void child.stdin?.write(`${code}\n`) });
}

const HELPERS = `
import os, socket, array, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
address = os.environ.get('NOTIFY_SOCKET')
def say(text, fds=()):
    s.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [], 0, address)
def barrier():
    r, w = os.pipe()
    say('BARRIER=1', [w])
    os.close(w)
    os.read(r, 1)
    say('STATUS=behind the barrier')
`;

const begin = (run = 1): ReturnType<typeof service> => {
  const child = service(scene.checks.prepare());
  scene.follow({ run, pid: child.pid ?? 0, wanted: true, ready: false });
  return child;
};

describe('notify', () => {
  beforeEach(() => {
    scene = new Scene({ kind: 'notify' });
  });

  test('READY=1 makes it ready; STATUS, STOPPING, RELOADING and EXTEND_TIMEOUT_USEC are passed on', async () => {
    const child = begin();
    child.run("say('READY=1\\nSTATUS=serving')");
    child.run("say('RELOADING=1')");
    child.run("say('EXTEND_TIMEOUT_USEC=2000000')");
    child.run("say('STOPPING=1')");
    await scene.says('stopping');
    expect(scene.said).toEqual(['ready', 'status serving', 'reloading', 'extend_timeout 2000', 'stopping']);
  });

  test('its children may speak for it, even if they have ended by then', async () => {
    const child = begin();
    child.run(
      "subprocess.run([sys.executable, '-c', 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b\"READY=1\", \"' + address + '\")'], start_new_session=True)",
    );
    await scene.says('ready');
  });

  test('another process may not speak for it, whatever its user', async () => {
    begin();
    const stranger = service(scene.checks.prepare());
    stranger.run("say('READY=1')");
    const words = `warning: web: a message to NOTIFY_SOCKET is ignored: it is of process ${stranger.pid}, uid 0, which is not of the service`;
    await scene.says(words);
    stranger.run("[say('READY=1') for n in range(1000)]; say('READY=1')");
    stranger.run('os._exit(0)');
    await new Promise((resolve) => stranger.once('exit', resolve));
    expect(scene.said.filter((text) => text !== words)).toEqual([]);
  });

  test('any user may write to the socket', () => {
    const path = scene.checks.prepare().variables.get('NOTIFY_SOCKET') ?? '';
    expect(statSync(path).mode & 0o777).toBe(0o666);
  });

  test('BARRIER=1 is answered when all messages before it have been read', async () => {
    const child = begin();
    child.run("[say('STATUS=%d' % n) for n in range(100)]; barrier()");
    await scene.says('status behind the barrier');
    expect(scene.said.slice(-2)).toEqual(['status 99', 'status behind the barrier']);
    expect(scene.said).toHaveLength(101);
  });

  test('MAINPID is accepted for its own processes alone, FDSTORE not at all', async () => {
    const child = begin();
    child.run(
      "p = subprocess.Popen(['sleep', '99']); say('MAINPID=%d' % p.pid); say('MAINPID=1'); say('FDSTORE=1', [0, 1]); say('STATUS=' + 'x' * 5000); say('STATUS=end')",
    );
    await scene.says('status end');
    expect(scene.said[0]).toMatch(/^main_pid \d+$/);
    expect(scene.said.slice(1, -1)).toEqual([
      'warning: web: a message to NOTIFY_SOCKET is ignored: MAINPID=1 is not a process of the service',
      'warning: web: a message to NOTIFY_SOCKET is ignored: FDSTORE: no descriptors are kept (2 came)',
      'warning: web: a message to NOTIFY_SOCKET is ignored: the message is empty, or longer than 4096 bytes',
    ]);
  });

  test('the socket is removed with the service', () => {
    const path = scene.checks.prepare().variables.get('NOTIFY_SOCKET') ?? '';
    expect(existsSync(path)).toBe(true);
    scene.checks.close();
    expect([existsSync(path), scene.held.size]).toEqual([false, 0]);
  });
});

test.each([
  [{ kind: 'notify' }, "say('READY=1')"],
  [{ kind: 'notify_fd', fd: 3 }, "os.write(3, b'\\n')"],
] as const)(
  'a message of a service while its controller is replaced is read by the next one: %j',
  async (ready, say) => {
    scene = new Scene(ready);
    const child = begin();
    scene.standStill();
    const said = join(directory, `said-${ready.kind}`);
    child.run(`${say}; open('${said}', 'w')`);
    await waitFor('the service to have said it', () => existsSync(said));
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(scene.said).toEqual([]);
    scene.succeed();
    await scene.says('ready');
  },
);

describe('the watchdog', () => {
  test('begins when the service is ready', async () => {
    scene = new Scene({ kind: 'notify' }, undefined, 20);
    const child = begin();
    child.run("import time; time.sleep(0.1); say('STATUS=slow to start')");
    await scene.says('status slow to start');
    child.run("say('READY=1')");
    await scene.says('dead: gave no sign of life for 0.02 s (WATCHDOG=1)');
    expect(scene.said.slice(0, 2)).toEqual(['status slow to start', 'ready']);
  });

  test('is suspended while the service is paused or held, and can be set by the service', async () => {
    scene = new Scene({ kind: 'notify' });
    const child = begin();
    child.run("say('WATCHDOG_USEC=20000\\nSTATUS=set')");
    await scene.says('status set');
    scene.follow({ paused: true, ready: true });
    scene.follow({ paused: false, held: true });
    child.run("import time; time.sleep(0.1); say('STATUS=late')");
    await scene.says('status late');
    expect(scene.said).toEqual(['status set', 'status late']);
    scene.follow({ held: false });
    await scene.says('dead: gave no sign of life for 0.02 s (WATCHDOG=1)');
  });

  test('can be triggered by the service itself', async () => {
    scene = new Scene({ kind: 'notify' });
    begin().run("say('WATCHDOG=trigger')");
    await scene.says('dead: reported a failure with WATCHDOG=trigger');
  });
});

describe('notify_fd', () => {
  beforeEach(() => {
    scene = new Scene({ kind: 'notify_fd', fd: 3 });
  });

  test('a newline makes it ready, whatever comes before it; then nothing is held', async () => {
    const child = begin();
    child.run("os.write(3, b'almost'); os.write(3, b'\\n')");
    await scene.says('ready');
    expect([scene.said, scene.held.size]).toEqual([['ready'], 0]);
  });

  test('an end without a newline is reported', async () => {
    begin().run('os.close(3)');
    await scene.says('unready: closed its notification descriptor without writing a newline to it');
  });

  test('the next controller finds a newline that came when there was none', async () => {
    const child = begin();
    child.run("os.write(3, b'\\n')");
    scene.succeed();
    await scene.says('ready');
    expect(scene.held.size).toBe(0);
  });

  test('each run has its own pipe, and an unused one is closed', () => {
    const first = scene.checks.prepare().passed?.fd ?? -1;
    scene.checks.prepare();
    expect(scene.held.size).toBe(1);
    expect(() => readSync(first, Buffer.alloc(1))).toThrow();
    scene.follow({ run: 1, pid: 0 });
    expect(scene.held.size).toBe(1);
    scene.checks.close();
    expect(scene.held.size).toBe(0);
  });
});

describe('log', () => {
  test('a line makes it ready; each run that is not ready waits for the line', () => {
    scene = new Scene({ kind: 'log', pattern: 'listening' });
    scene.follow({ run: 1, pid: 100, wanted: true });
    scene.lines.get('listening')?.();
    expect(scene.said).toEqual(['ready']);
    scene.follow({ pid: 0, ready: false });
    expect(scene.lines.size).toBe(0);
    scene.follow({ run: 2, pid: 101 });
    expect(scene.lines.size).toBe(1);
  });
});

describe('probes', () => {
  const path = () => join(directory, 'socket');

  test('a probe makes it ready and unready, and is suspended while it is paused', async () => {
    scene = new Scene({ kind: 'probe', probe: { kind: 'unix', path: path() }, times: QUICK });
    scene.follow({ run: 1, pid: 100, wanted: true });
    await scene.says(`unready: ${path()}: does not exist`);
    const server = createServer((socket) => socket.destroy()).listen(path());
    await scene.says('ready');
    scene.follow({ paused: true });
    await new Promise((resolve) => server.close(resolve));
    const before = scene.said.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(scene.said).toHaveLength(before);
    scene.follow({ paused: false });
    await waitFor('unready again', () => scene.said.slice(before).some((text) => text.startsWith('unready: ')));
  });

  test('live begins when it is ready, and is suspended while it is held', async () => {
    const probe = { kind: 'file', path: path() } as const;
    scene = new Scene({ kind: 'delay', delayMs: 0 }, { probe, times: QUICK, onFailure: 'restart' });
    scene.follow({ run: 1, pid: 100, wanted: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    scene.follow({ ready: true, held: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(scene.said).toEqual([]);
    scene.follow({ held: false });
    await scene.says(`dead: ${path()}: does not exist`);
  });

  test('nothing is checked any more when the run has ended', async () => {
    scene = new Scene({ kind: 'probe', probe: { kind: 'file', path: path() }, times: QUICK });
    scene.follow({ run: 1, pid: 100, wanted: true });
    scene.follow({ pid: 0, wanted: false });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(scene.said).toEqual([]);
  });
});
