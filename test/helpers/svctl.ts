/** The bundled svctl. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ended as EndedCall } from './container.js';
import { SvctlHosts } from './svctl-hosts.js';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running svctl: its output so far, and its end. */
export interface Running {
  readonly process: ChildProcessWithoutNullStreams;
  readonly stdout: () => string;
  readonly ended: Promise<Ended>;
}

export interface Svctl {
  readonly path: string;
  /** Runs it to its end; not in a process of its own: see {@link SvctlHosts}. */
  call(args: readonly string[]): Promise<EndedCall>;
  /** Runs it to its end, as a process of its own. */
  run(args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<Ended>;
  start(args: readonly string[], environment?: NodeJS.ProcessEnv): Running;
  /** Runs a command of a shell; `$svctl` is the path. */
  shell(command: string, environment?: NodeJS.ProcessEnv): Promise<Ended>;
  startShell(command: string): Running;
  remove(): void;
}

/** The built svctl, in a directory of its own. */
export function bundledSvctl(): Svctl {
  const directory = mkdtempSync(join(tmpdir(), 'svctl-'));
  const path = join(directory, 'svctl.js');
  for (const part of ['svctl.js', 'lib-svctl']) cpSync(join(DIST, part), join(directory, part), { recursive: true });
  const start = (command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Running =>
    collect(spawn(command, args, { env: { ...plain(), svctl: path, ...environment } }));
  const hosts = new SvctlHosts(path, plain());
  return {
    path,
    call: (args) => hosts.run(args),
    run: (args, environment = {}) => start(path, args, environment).ended,
    start: (args, environment = {}) => start(path, args, environment),
    shell: (command, environment = {}) => start('bash', ['-c', command], environment).ended,
    startShell: (command) => start('bash', ['-c', command], {}),
    remove: () => {
      hosts.dispose();
      rmSync(directory, { recursive: true, maxRetries: 20 });
    },
  };
}

/** The environment without the variables that jest is run with. */
function plain(): NodeJS.ProcessEnv {
  const {
    NODE_OPTIONS: _options,
    NO_COLOR: _colour,
    FORCE_COLOR: _force,
    MY_INIT_SOCKET: _socket,
    ...rest
  } = process.env;
  return { ...rest, TERM: 'xterm' };
}

/** Collects the output of a process, as text, and its end. */
export function collect(child: ChildProcessWithoutNullStreams): Running {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ stdout, stderr, code, signal }));
  });
  return { process: child, stdout: () => stdout, ended };
}
