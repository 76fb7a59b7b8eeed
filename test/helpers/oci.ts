/** Real containers, run by podman from the image that test/container/build-image makes. */

import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, jest } from '@jest/globals';
import { infoOf, type Status, statusOf } from './ask.js';
import { type Ended, run } from './container.js';
import { leftOut } from './left-out.js';
import { waitFor } from './wait-for.js';

const DIRECTORY = join(tmpdir(), `my_init-images-${process.getuid?.()}`);
/** Where podman finds the images and settings of the tests. */
export const OCI_ENVIRONMENT = {
  ...process.env,
  CONTAINERS_CONF: join(DIRECTORY, 'containers.conf'),
  CONTAINERS_STORAGE_CONF: join(DIRECTORY, 'storage.conf'),
};
const PROGRAMS = ['podman', 'runc', 'mmdebstrap', 'npm', 'flock'];
/** From nothing: a base system, Node, the build. */
const BUILD_MS = 900_000;
/** Every command starts a podman process, and some tests build further images. */
const TEST_MS = 900_000;

export const IMAGE = 'localhost/my_init';

/** The id of this run of the suite, which builds the image once. */
const RUN = process.env.MY_INIT_LEFT_OUT ?? randomUUID();

/** Why these tests cannot be run here. */
function obstacle(): string | undefined {
  const path = (process.env.PATH ?? '').split(':');
  const missing = PROGRAMS.filter((program) => !path.some((directory) => existsSync(join(directory, program))));
  if (missing.length > 0) return `${missing.join(', ')} not found (Debian: apt-get install podman runc mmdebstrap npm)`;
  return process.getuid?.() === 0 ? undefined : 'they take root';
}

/**
 * `describe` for tests with real containers. Builds the image first; where that is impossible,
 * reports that the tests are left out.
 */
export function describeWithImage(title: string, tests: () => void): void {
  const why = obstacle();
  if (why === undefined) {
    jest.setTimeout(TEST_MS);
    describe(title, () => {
      beforeAll(() => {
        const script = fileURLToPath(new URL('../container/build-image', import.meta.url));
        execFileSync(script, [DIRECTORY, RUN], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
      }, BUILD_MS);
      tests();
    });
    return;
  }
  if (process.env.CI) throw new Error(`The container tests cannot be run: ${why}`);
  leftOut(`${title}, with real containers`, why);
  describe.skip(title, tests);
}

/** Runs podman to its end. */
export const podman = (...args: readonly string[]): Promise<Ended> => run('podman', args, OCI_ENVIRONMENT);

/** Runs podman; throws if it fails. */
async function mustPodman(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await podman(...args);
  if (code !== 0) throw new Error(`podman ${args.join(' ')}: ${code}\n${stderr}`);
  return stdout.trim();
}

/**
 * Runs `podman build`. For its cache podman looks at all images: when another test removes one at
 * this moment, the build begins again.
 */
export async function podmanBuild(...args: readonly string[]): Promise<Ended> {
  for (;;) {
    const ended = await podman('build', ...args);
    if (ended.code === 0 || !ended.stderr.includes('layer not known')) return ended;
  }
}

/** Builds an image on another one from a directory with a Dockerfile. Returns its name. */
export async function buildImage(directory: string, on = IMAGE): Promise<string> {
  const name = `localhost/my_init-test-${randomUUID()}`;
  const base = `BASE_IMAGE=${on}`;
  const { code, stderr } = await podmanBuild(
    '--quiet',
    '--network=host',
    '--build-arg',
    base,
    '--tag',
    name,
    directory,
  );
  if (code !== 0) throw new Error(`podman build: ${code}\n${stderr}`);
  return name;
}

/**
 * Builds an image from further files, by their paths, and commands. A file that begins with `#!` is
 * executable.
 */
export async function extendImage(files: Readonly<Record<string, string>>, ...commands: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-build-'));
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, 'root', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
  }
  const lines = [
    'ARG BASE_IMAGE',
    'FROM $BASE_IMAGE',
    'COPY root /',
    ...commands.map((command) => `RUN ${command}`),
    '',
  ];
  writeFileSync(join(directory, 'Dockerfile'), lines.join('\n'));
  try {
    return await buildImage(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export interface RunOptions {
  readonly image?: string;
  /** Options of `podman run`; without an option for the network there is none. */
  readonly flags?: readonly string[];
  readonly command?: readonly string[];
  /** Do not wait until svctl gets an answer. */
  readonly unattended?: boolean;
}

/** The socket of my_init at its usual places below a root: /run, or /tmp where /run is not ours. */
function socketIn(root: string): string | undefined {
  const temporary = join(root, 'tmp');
  const ofUsers = existsSync(temporary) ? readdirSync(temporary).filter((name) => name.startsWith('my_init-')) : [];
  const directories = ['run/my_init', ...ofUsers.map((name) => join('tmp', name))];
  return directories.map((directory) => join(root, directory, 'my_init.sock')).find(existsSync);
}

/** A container that runs until it is disposed of. */
export class OciContainer {
  readonly name: string;
  #ownSocket: string | undefined;

  private constructor(name: string) {
    this.name = name;
  }

  static async run({ image = IMAGE, flags = [], command = [], unattended }: RunOptions = {}): Promise<OciContainer> {
    const name = `my_init-test-${randomUUID()}`;
    const network = flags.some((flag) => flag.startsWith('--network')) ? [] : ['--network=none'];
    await mustPodman('run', '--detach', '--name', name, ...network, ...flags, image, ...command);
    const container = new OciContainer(name);
    if (!unattended) container.#ownSocket = await container.answers();
    return container;
  }

  exec(...command: readonly string[]): Promise<Ended> {
    return podman('exec', this.name, ...command);
  }

  /** The output of a command that has to succeed. */
  async output(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(...command);
    if (code !== 0) throw new Error(`${command.join(' ')}: ${code}\n${stdout}${stderr}\n${await this.log()}`);
    return stdout.trim();
  }

  /**
   * Writes an executable file in the container. A run script may come after its directory: the
   * service waits for it.
   */
  async write(path: string, content: string): Promise<void> {
    await this.output('sh', '-c', 'mkdir -p "$0"; printf %s "$2" >"$1"; chmod +x "$1"', dirname(path), path, content);
  }

  /** The output of `podman logs`. */
  async log(): Promise<string> {
    const { stdout, stderr } = await podman('logs', this.name);
    return stdout + stderr;
  }

  /** Waits until its log has a text. */
  async says(text: string | RegExp, withinMs?: number): Promise<void> {
    const follower = spawn('podman', ['logs', '--follow', this.name], { env: OCI_ENVIRONMENT });
    let log = '';
    for (const output of [follower.stdout, follower.stderr])
      output.setEncoding('utf8').on('data', (more: string) => {
        log += more;
      });
    const found = (): boolean => (typeof text === 'string' ? log.includes(text) : text.test(log));
    try {
      await this.#waitFor(`${text} in the log`, async () => found(), withinMs);
    } finally {
      follower.kill();
    }
  }

  /** Waits until a service is in a state. */
  async reaches(service: string, state: string): Promise<Status> {
    const socket = await this.#socket();
    return this.#waitFor(`${service} to be ${state}`, async () => {
      const status = await statusOf(socket, service);
      return status.state === `SERVICE_STATE_${state.toUpperCase()}` && status;
    });
  }

  /** As `podman stop` does it. Returns the exit code: 137 when it had to be killed. */
  async stop(graceSeconds = 10): Promise<number> {
    await mustPodman('stop', '--time', String(graceSeconds), this.name);
    return this.exitCode();
  }

  /** Waits for the end of the container. */
  async exitCode(): Promise<number> {
    return Number(await mustPodman('wait', this.name));
  }

  async dispose(): Promise<void> {
    await podman('rm', '--force', '--time', '0', '--volumes', this.name);
  }

  /** Waits until my_init answers. Returns its socket, as it is named in the container. */
  async answers(): Promise<string> {
    const root = await this.#root();
    return this.#waitFor('an answer of my_init', async () => {
      const path = socketIn(root);
      return path !== undefined && ((await infoOf(path)).socket as string | undefined);
    });
  }

  /** The socket of my_init in the root of the container, as this machine sees it. */
  async #socket(): Promise<string> {
    this.#ownSocket ??= await this.answers();
    return (await this.#root()) + this.#ownSocket;
  }

  /** The root of the container, as this machine sees it. */
  async #root(): Promise<string> {
    return `/proc/${await mustPodman('inspect', '--format', '{{.State.Pid}}', this.name)}/root`;
  }

  #waitFor<Answer>(what: string, look: () => Promise<Answer | false | undefined>, withinMs = 120_000): Promise<Answer> {
    return waitFor(what, look, withinMs).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await this.log()}`);
    });
  }
}
