import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWithImage, IMAGE, OciContainer, podman, podmanBuild } from '../helpers/oci.js';
import { startPrometheus } from '../helpers/prometheus.js';
import { waitFor } from '../helpers/wait-for.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const BASE = 'docker.io/library/debian:bookworm-slim';

/** The exit code and output of a container's whole life. */
const wholeRun = (...args: readonly string[]) => podman('run', '--rm', '--network=none', ...args);

describeWithImage('the image', () => {
  let container: OciContainer | undefined;
  afterEach(() => container?.dispose());

  test('boots to its services, and ends in order', async () => {
    container = await OciContainer.run();
    await container.reaches('syslog-ng', 'up');
    await container.reaches('cron', 'up');
    await container.reaches('sshd', 'down');
    expect(await container.stop()).toBe(0);
  });

  test('has its command, stop signal, port and labels', async () => {
    const [{ Config }] = JSON.parse((await podman('image', 'inspect', IMAGE)).stdout);
    expect(Config).toMatchObject({
      Cmd: ['/sbin/my_init'],
      StopSignal: 'SIGTERM',
      ExposedPorts: { '9180/tcp': {} },
      Labels: { 'org.opencontainers.image.title': 'my_init', 'org.opencontainers.image.licenses': 'MIT' },
    });
  });

  test('contains what it promises, and nothing that it was built with', async () => {
    container = await OciContainer.run({ command: ['sleep', '1000'], unattended: true });
    const promised = [
      '/sbin/my_init /usr/bin/svctl /sbin/setuser /usr/sbin/install_clean /usr/sbin/enable_insecure_key',
      '/usr/bin/sv /usr/bin/chpst /usr/bin/svlogd /usr/lib/my_init/launch /usr/bin/curl /usr/bin/vim',
    ];
    await container.output('ls', ...promised.join(' ').split(' '));
    // Scripts of s6-overlay find the s6 commands.
    const script = '#!/command/with-contenv sh\nexec s6-setuidgid nobody /usr/bin/with-contenv id -un\n';
    await container.write('/usr/local/bin/script', script);
    expect(await container.output('/usr/local/bin/script')).toBe('nobody');
    // The image has no key: everybody who has the image would know it.
    expect(
      await container.output('sh', '-c', 'ls /etc/ssh/*key* /etc/insecure_key* /root/.ssh 2>/dev/null; true'),
    ).toBe('');
    const tools = 'for tool in node npm gcc make python3 perldoc gpg; do command -v $tool; done; true';
    expect(await container.output('sh', '-c', tools)).toBe('');
    const leftovers = 'ls -d /var/lib/apt/lists/* /tmp/* /var/cache/apt/archives/*.deb 2>/dev/null; true';
    expect(await container.output('sh', '-c', leftovers)).toBe('');
    expect(await container.output('/usr/lib/my_init/node', '--version')).toMatch(/^v24\./);
    expect(await container.output('sh', '-c', "printf 'é' | wc -m; locale | grep LC_CTYPE")).toBe(
      '1\nLC_CTYPE="en_US.UTF-8"',
    );
    expect(
      await container.output('stat', '-c', '%a %G', '/etc/container_environment.sh', '/etc/container_environment'),
    ).toBe('640 docker_env\n700 root');
  });

  test('is as large as the document says, and so is its largest part', async () => {
    const page = readFileSync(join(PROJECT, 'docs/image.md'), 'utf8');
    const documented = (pattern: RegExp): number => Number(pattern.exec(page)?.[1]);
    const { stdout } = await podman('image', 'inspect', '--format', '{{.Size}}', IMAGE);
    // Security updates of the base come in at each build.
    expect(Math.abs(Number(stdout) / 1e6 - documented(/the whole is (\d+) MB/))).toBeLessThan(8);
    const node = await wholeRun('--entrypoint', 'stat', IMAGE, '-c', '%s', '/usr/lib/my_init/node');
    expect(Math.abs(Number(node.stdout.trim()) / 1e6 - documented(/Node 24, stripped[^|]*\| (\d+) \|/))).toBeLessThan(
      2,
    );
  });

  test('counts the zombies that are made inside, and leaves none', async () => {
    container = await OciContainer.run();
    const leaky = '#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.01 & exit); done\nexec sleep 1000\n';
    await container.write('/etc/service/leaky/run', leaky);
    await container.reaches('leaky', 'up');
    const metrics = () => container?.output('curl', '-s', 'http://127.0.0.1:9180/metrics');
    const reaped = 'my_init_zombies_reaped_total{service="leaky"} 10\n';
    await waitFor('all zombies to be counted', async () => (await metrics())?.includes(reaped));
    expect(await container.output('sh', '-c', 'grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null; true')).toBe('');
  });

  test('is scraped by Prometheus', async () => {
    const flags = ['--network=host', '--env', 'MY_INIT_HTTP_LISTEN=127.0.0.1:0'];
    container = await OciContainer.run({ flags });
    await container.reaches('cron', 'up');
    const { httpAddress } = JSON.parse(await container.output('svctl', 'info', '-o', 'json'));
    const prometheus = await startPrometheus(httpAddress);
    try {
      const [up] = await prometheus.query('my_init_service_starts_total{service="cron"}');
      expect(up?.value[1]).toBe('1');
    } finally {
      await prometheus.stop();
    }
  });

  describe('with a main command', () => {
    test.each([
      ['its exit code', ['sh', '-c', 'exit 3'], 3],
      ['0', ['true'], 0],
      ['128 + the signal that killed it', ['sh', '-c', 'kill -KILL $$'], 137],
      ['127 where there is no such command', ['/no/such/command'], 127],
      ['126 where it cannot be executed', ['/etc/passwd'], 126],
    ])('ends with %s', async (_, command, code) => {
      expect((await wholeRun(IMAGE, '/sbin/my_init', '--', ...command)).code).toBe(code);
    });

    test('my_init may be the entrypoint', async () => {
      const { code, stdout } = await wholeRun('--entrypoint=/sbin/my_init', IMAGE, 'sh', '-c', 'echo said; exit 5');
      expect([stdout.includes('said\n'), code]).toEqual([true, 5]);
    });

    test('the main command has a terminal', async () => {
      const { stdout } = await wholeRun(
        '--tty',
        IMAGE,
        '/sbin/my_init',
        '--quiet',
        '--',
        'sh',
        '-c',
        'tty; stty size >/dev/null && echo works',
      );
      expect(stdout).toMatch(/\/dev\/pts\/0\r\nworks\r\n/);
    });
  });

  test('a part that fails makes the build fail', async () => {
    // Without a network nothing can be installed.
    const { code } = await wholeRun('--volume', `${PROJECT}/image:/image:ro`, BASE, '/image/install');
    expect(code).not.toBe(0);
  });

  describe('without its optional parts', () => {
    const minimal = 'localhost/my_init-test-minimal';
    beforeAll(async () => {
      const parts = ['SYSLOG', 'CRON', 'SSH', 'TOOLS'].map((part) => `--build-arg=DISABLE_${part}=1`);
      const base = [`--build-arg=BASE_IMAGE=${BASE}`, '--build-arg=NODE_IMAGE=docker.io/library/node:24-bookworm-slim'];
      const { code, stderr } = await podmanBuild(
        '--quiet',
        '--network=host',
        '--tag',
        minimal,
        ...base,
        ...parts,
        PROJECT,
      );
      expect([code, code === 0 || stderr]).toEqual([0, true]);
    });
    afterAll(() => podman('rmi', '--force', minimal));

    test('has none of them, and boots', async () => {
      container = await OciContainer.run({ image: minimal });
      expect(await container.output('ls', '/etc/service')).toBe('');
      expect(await container.output('sh', '-c', 'command -v syslog-ng cron sshd curl; true')).toBe('');
      expect(await container.stop()).toBe(0);
    });
  });
});
