import { afterEach, expect, test } from '@jest/globals';
import { describeWithImage, IMAGE, OciContainer, podman } from '../helpers/oci.js';

interface Key {
  readonly secret: string;
  readonly public: string;
}

/** Makes a new key with the tools of the image. */
async function makeKey(): Promise<Key> {
  const make = "ssh-keygen -q -t ed25519 -N '' -C '' -f /tmp/key && cat /tmp/key /tmp/key.pub";
  const { stdout } = await podman('run', '--rm', '--network=none', IMAGE, 'sh', '-c', make);
  const end = stdout.indexOf('ssh-ed25519 ');
  return { secret: stdout.slice(0, end), public: stdout.slice(end).trim() };
}

describeWithImage('sshd', () => {
  let container: OciContainer;
  afterEach(() => container.dispose());

  const start = async () => {
    // In a long boot my_init answers before it has read the definitions.
    await container.reaches('sshd', 'down');
    await container.output('svctl', 'start', 'sshd');
    await container.says('Server listening on 0.0.0.0 port 22');
  };
  const logIn = async (secret: string | undefined, command: string) => {
    const options = ['-o', 'StrictHostKeyChecking=no', '-o', 'BatchMode=yes'];
    if (secret !== undefined) {
      await container.write('/tmp/key', secret);
      await container.output('chmod', '600', '/tmp/key');
      options.push('-i', '/tmp/key');
    }
    return container.exec('ssh', ...options, 'root@127.0.0.1', command);
  };

  test("lets in a user with a key of the variable, with the container's environment, and nobody else", async () => {
    const [key, other] = [await makeKey(), await makeKey()];
    const variables = [`SSH_AUTHORIZED_KEYS=# mine\n${key.public}`, 'GREETING=hello  there'];
    container = await OciContainer.run({ flags: variables.flatMap((variable) => ['--env', variable]) });
    await start();
    expect((await logIn(key.secret, 'echo "$GREETING"; id -un')).stdout).toBe('hello  there\nroot\n');
    await container.says('Accepted publickey for root');
    for (const secret of [other.secret, undefined]) {
      await container.output('rm', '-f', '/tmp/key');
      const { code, stderr } = await logIn(secret, 'id');
      // If there were a way to log in with a password, ssh would name it here.
      expect([code, stderr]).toEqual([255, expect.stringContaining('Permission denied (publickey).')]);
    }
  });

  test('takes keys from a file, and works on a read-only file system', async () => {
    const key = await makeKey();
    const flags = ['--read-only', '--tmpfs=/run', '--tmpfs=/tmp', '--env', 'SSH_AUTHORIZED_KEYS_FILE=/tmp/keys'];
    container = await OciContainer.run({ flags });
    await container.write('/tmp/keys', key.public);
    await start();
    expect((await logIn(key.secret, 'id -un')).stdout).toBe('root\n');
    await container.says('the host key lasts as long as this container');
  });

  test('copies host keys that others may read, as on a volume with fsGroup, and uses the copies', async () => {
    const key = await makeKey();
    container = await OciContainer.run({ flags: ['--env', `SSH_AUTHORIZED_KEYS=${key.public}`] });
    await container.output('mkdir', '-p', '/etc/ssh/host_keys');
    await container.output(
      'ssh-keygen',
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-f',
      '/etc/ssh/host_keys/ssh_host_ed25519_key',
    );
    await container.output('chmod', '-R', '0777', '/etc/ssh/host_keys');
    await start();
    expect((await logIn(key.secret, 'id -un')).stdout).toBe('root\n');
    expect((await container.output('stat', '-c', '%a', '/run/sshd/keys/ssh_host_ed25519_key')).trim()).toBe('600');
  });

  test('keeps its host key on a volume', async () => {
    const volume = 'my_init-test-host-keys';
    const keys: string[] = [];
    for (let run = 0; run < 2; run++) {
      container = await OciContainer.run({ flags: ['--volume', `${volume}:/etc/ssh/host_keys`] });
      await start();
      keys.push(await container.output('sh', '-c', 'ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null'));
      await container.dispose();
    }
    await podman('volume', 'rm', volume);
    expect(keys[0]).toContain(' ssh-ed25519 ');
    expect(keys[1]).toBe(keys[0]);
  });

  test('has an insecure key on request, a different one in every container', async () => {
    const keys: string[] = [];
    for (let run = 0; run < 2; run++) {
      container = await OciContainer.run({ command: ['/sbin/my_init', '--enable-insecure-key'] });
      await start();
      const secret = /-----BEGIN[\s\S]*PRIVATE KEY-----\n/.exec(await container.log())?.[0] ?? '';
      expect((await logIn(secret, 'id -un')).stdout).toBe('root\n');
      keys.push(secret);
      await container.dispose();
    }
    expect(keys[0]).not.toBe(keys[1]);
  });
});
