/** @needs ssh sshd */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestContainer } from '../helpers/container.js';
import { freePort } from '../helpers/free-port.js';
import { describeWithImage, OCI_ENVIRONMENT, OciContainer } from '../helpers/oci.js';
import { collect, type Ended, type Running } from '../helpers/svctl.js';
import { waitFor } from '../helpers/wait-for.js';

const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));

describeWithImage('svctl -H', () => {
  let directory: string;
  let first: OciContainer;
  let second: OciContainer;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hosts-'));
    first = await OciContainer.run();
    second = await OciContainer.run();
    for (const container of [first, second]) {
      await container.write('/etc/service/web/run', '#!/bin/sh\necho begins\nexec sleep 1000\n');
      await container.reaches('web', 'up');
    }
  });
  afterAll(async () => {
    await first.dispose();
    await second.dispose();
    rmSync(directory, { recursive: true, maxRetries: 20 });
  });

  const start = (...args: readonly string[]): Running =>
    collect(spawn(SVCTL, args, { env: { ...OCI_ENVIRONMENT, PATH: `${directory}:${process.env.PATH}` } }));
  const run = (...args: readonly string[]): Promise<Ended> => start(...args).ended;
  const both = () => ['-H', `podman://${first.name}`, '-H', `podman://${second.name}`];

  test('podman: status and restart work, and leave nothing in the container', async () => {
    const host = `podman://${first.name}`;
    const { stdout, stderr, code } = await run('-H', host, 'status', 'web');
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(/^NAME.*\nweb +up +yes /);
    expect(await run('-H', host, 'restart', 'web')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^web restarted: pid \d+ → \d+ in /),
    });
    await waitFor('the end of dial-stdio', async () => !(await first.output('svctl', 'ps')).includes('dial-stdio'));
  });

  test('podman: two containers answer at once, and a missing one is named', async () => {
    const restarted = await run(...both(), 'restart', 'web', '--rolling', '--yes');
    expect(restarted.stdout.match(/web restarted: pid/g)).toHaveLength(2);
    expect((await run(...both(), 'health', 'web')).stdout).toMatch(/^HOST.*\nall 2 +service\/web +serving\n$/);
    const { stdout, stderr, code } = await run(...both(), '-H', 'podman://no-such', 'status', 'web');
    expect(stdout.match(/ +web +up +yes /g)).toHaveLength(2);
    expect(stderr).toMatch(/^svctl: cannot reach podman:\/\/no-such: podman ended with 125: .*no such container\n$/);
    expect(code).toBe(1);
  });

  test('podman: a watch goes on when its link is killed', async () => {
    const { process: child, stdout, ended } = start('-H', `podman://${first.name}`, 'watch', '-o', 'name');
    const change = async (): Promise<void> => {
      await first.output('svctl', 'restart', 'web');
    };
    const lines = () => stdout().split('\n').length - 1;
    while (lines() === 0) await change();
    const transport = execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n');
    for (const pid of transport) process.kill(Number(pid), 'SIGKILL');
    const before = lines();
    await change();
    await waitFor('the changes after the cut', () => lines() > before);
    child.kill('SIGINT');
    await ended;
  });

  test('ssh: my_init of the machine and of a container answer, and a refused login is reported', async () => {
    const sshd = await Sshd.start(directory, OCI_ENVIRONMENT);
    const machine = await TestContainer.boot({ services: { cron: { run: '#!/bin/sh\nexec sleep 1000\n' } } });
    try {
      await sshd.setSocket(machine.socket);
      const host = `ssh://${userInfo().username}@127.0.0.1:${sshd.port}`;
      await machine.reaches('cron', 'up');
      expect(await run('-H', host, 'status', 'cron')).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringMatching(/\ncron +up /),
      });
      const inside = await run('-H', `${host}/${first.name}`, 'status', 'web');
      expect(inside).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/\nweb +up /) });
      const mixed = await run('-H', host, '-H', `podman://${second.name}`, 'version');
      expect(mixed.stdout).toMatch(/^all 2 +svctl /);
      sshd.acceptNoKey();
      const refused = await run('-H', host, 'status');
      expect(refused.stderr).toMatch(
        /^svctl: cannot reach ssh:.*: ssh is refused: .*Permission denied \(publickey\)\.\n/,
      );
      expect(refused.code).toBe(5);
    } finally {
      await machine.dispose();
      await sshd.stop();
    }
  });
});

/** A real sshd on a free port of the loopback, and an `ssh` in the PATH that has its key. */
class Sshd {
  readonly port: number;
  readonly #directory: string;
  readonly #environment: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;

  private constructor(directory: string, port: number, environment: NodeJS.ProcessEnv) {
    this.#directory = directory;
    this.port = port;
    this.#environment = environment;
  }

  static async start(directory: string, environment: NodeJS.ProcessEnv): Promise<Sshd> {
    const port = await freePort();
    const sshd = new Sshd(directory, port, environment);
    const at = (name: string): string => join(directory, name);
    for (const name of ['host_key', 'key'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    execFileSync('cp', [at('key.pub'), at('authorized_keys')]);
    const options = `-i ${at('key')} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=${at('known_hosts')} -o LogLevel=ERROR`;
    writeFileSync(at('ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F none ${options} "$@"\n`);
    chmodSync(at('ssh'), 0o755);
    mkdirSync(at('bin'));
    symlinkSync(SVCTL, at('bin/svctl'));
    return sshd;
  }

  /** Sets the socket that the programs of a login use. */
  async setSocket(socket: string): Promise<void> {
    const at = (name: string): string => join(this.#directory, name);
    const { CONTAINERS_CONF, CONTAINERS_STORAGE_CONF } = this.#environment;
    const variables = {
      // svctl tries Docker first where it is installed.
      PATH: `${at('bin')}:${process.env.PATH?.split(':')
        .filter((place) => !place.includes('local'))
        .join(':')}`,
      MY_INIT_SOCKET: socket,
      CONTAINERS_CONF,
      CONTAINERS_STORAGE_CONF,
    };
    const setEnv = Object.entries(variables).map(([name, value]) => `"${name}=${value}"`);
    const lines = [
      `Port ${this.port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host_key')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin yes',
      `PidFile ${at('sshd.pid')}`,
      `SetEnv ${setEnv.join(' ')}`,
    ];
    writeFileSync(at('sshd_config'), `${lines.join('\n')}\n`);
    mkdirSync('/run/sshd', { recursive: true });
    this.#process = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], { stdio: 'ignore' });
    await waitFor('sshd', () => tryConnect(at('ssh'), this.port));
  }

  acceptNoKey(): void {
    writeFileSync(join(this.#directory, 'authorized_keys'), '');
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process?.once('exit', resolve));
    if (this.#process?.kill()) await ended;
  }
}

function tryConnect(ssh: string, port: number): boolean {
  try {
    execFileSync(ssh, ['-p', String(port), '-o', 'BatchMode=yes', `${userInfo().username}@127.0.0.1`, 'true'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}
