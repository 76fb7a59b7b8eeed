/** PID 1 of a PID namespace of its own, with services that note when they start. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { children, cpuMs, executable, family, workingDirectory } from './proc.mjs';
import { SERVICE, STOPWATCH } from './tools.mjs';

/** Everything is kept in memory, so that no disk is measured. */
export const PLACE = isWritable('/dev/shm') ? '/dev/shm' : tmpdir();

/** The clock of stopwatch.c, in milliseconds. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

const STOPPED_WITHIN_MS = 20_000;

export class Container {
  directory = mkdtempSync(join(PLACE, 'my_init-bench-'));
  #notes = join(this.directory, 'notes');
  #unshare;
  #exited;

  /**
   * `prepare` is given the directory, and returns the program to run there: `{ command, environment
   * }`. `enter` is a shell command that comes before the namespace.
   */
  constructor(prepare, enter = ':') {
    mkdirSync(join(this.directory, 'run'));
    const { command, environment } = prepare(this.directory);
    const options = '--pid --fork --mount --mount-proc --kill-child';
    const inside = 'mount -t tmpfs tmpfs /run && exec "$@"';
    this.#unshare = spawn(
      'sh',
      [
        ...['-c', `${enter} && exec unshare ${options} sh -c '${inside}' sh "$@"`, 'sh'],
        ...[STOPWATCH, 'begin', this.#notes, ...command],
      ],
      {
        stdio: ['ignore', 'ignore', process.env.BENCH_DEBUG ? 'inherit' : 'ignore'],
        cwd: this.directory,
        env: { PATH: process.env.PATH, HOME: this.directory, STOPWATCH: this.#notes, ...environment },
      },
    );
    this.#exited = new Promise((resolve) => this.#unshare.once('exit', (code) => resolve({ endedMs: nowMs(), code })));
  }

  /** The pid of PID 1 on the host. */
  get pid() {
    return children(this.#unshare.pid)[0];
  }

  /** The notes of the services: `{ what, name, atMs }`, and one for the execution of PID 1. */
  notes() {
    const text = existsSync(this.#notes) ? readFileSync(this.#notes, 'utf8') : '';
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [what, name, , at] = line.split(' ');
        return { what, name, atMs: Number(at) / 1e6 };
      });
  }

  /** Resolves when PID 1 is executed. */
  async begun() {
    await until('PID 1', 60_000, () => this.notes().some(({ what }) => what === 'begin'));
  }

  /** The execution of PID 1, and each start since then. Resolves when there are `count` starts. */
  async started(count, withinMs = 60_000) {
    const begun = await until(`${count} services to run`, withinMs, () => {
      const notes = this.notes();
      return notes.length > 0 && notes.filter(({ what }) => what === 'start').length >= count && notes;
    });
    return {
      begunMs: begun.find(({ what }) => what === 'begin').atMs,
      starts: begun.filter(({ what }) => what === 'start').sort((a, b) => a.atMs - b.atMs),
    };
  }

  /**
   * Milliseconds of CPU that all other processes had used when the first service began. Needs
   * $STOPWATCH_CPU.
   */
  async cpuUntilStart() {
    const note = await until('the CPU time', 60_000, () => this.notes().find(({ what }) => what === 'cpu'));
    return note.atMs;
  }

  /**
   * The processes that are not services: their CPU time and memory are the cost of the supervision.
   */
  supervisors() {
    return family(this.pid).filter((pid) => executable(pid) !== SERVICE);
  }

  /** The process of a service. */
  service(name) {
    return family(this.pid).find((pid) => executable(pid) === SERVICE && basename(workingDirectory(pid)) === name);
  }

  /**
   * Asks for the end. Resolves to how long the end took and the exit code, if PID 1 ended, and how
   * many services noted their end.
   */
  async stop(signal, withinMs = STOPPED_WITHIN_MS) {
    const asked = nowMs();
    process.kill(this.pid, signal);
    const ended = await Promise.race([this.#exited, delay(withinMs)]);
    return {
      ms: ended && ended.endedMs - asked,
      code: ended?.code,
      graceful: this.notes().filter(({ what }) => what === 'stop').length,
    };
  }

  async dispose() {
    this.#unshare.kill('SIGKILL');
    await this.#exited;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Calls `look` until it finds something. */
export async function until(what, withinMs, look) {
  for (const end = nowMs() + withinMs; nowMs() < end; await delay(5)) {
    const found = look();
    if (found) return found;
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Resolves when processes have (next to) nothing left to do. */
export async function settled(pids, everyMs = 250) {
  const work = () => pids().reduce((sum, pid) => sum + cpuMs(pid), 0);
  for (let last = work(); ; ) {
    await delay(everyMs);
    const now = work();
    if (now - last < everyMs / 100) return;
    last = now;
  }
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
