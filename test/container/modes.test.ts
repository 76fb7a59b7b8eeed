import { afterEach, expect, test } from '@jest/globals';
import { describeWithImage, OciContainer, podman } from '../helpers/oci.js';

describeWithImage('the image runs', () => {
  let container: OciContainer;
  afterEach(() => container.dispose());

  test.each([
    ['as it is', []],
    ['on a read-only file system, with tmpfs on /run and /tmp', ['--read-only', '--tmpfs=/run', '--tmpfs=/tmp']],
    ['without any capability and without new privileges', ['--cap-drop=all', '--security-opt=no-new-privileges']],
    ['in 64 MiB of memory', ['--memory=64m']],
    ['with at most 64 processes and threads', ['--pids-limit=64']],
    ['below another init', ['--init']],
  ])('%s', async (_, flags) => {
    container = await OciContainer.run({ flags });
    await container.reaches('syslog-ng', 'up');
    const { pid } = await container.reaches('cron', 'up');
    await container.output('logger', 'hello');
    await container.says('root: hello\n');
    expect(await container.output('svctl', 'restart', 'cron')).toContain(`pid ${pid} → `);
    await container.output('curl', '-sf', 'http://127.0.0.1:9180/readyz');
    expect(await container.stop()).toBe(0);
  });

  test.each([
    ['any user, without an entry in /etc/passwd', ['--user=1234']],
    [
      'any user, on a read-only file system, without capabilities and new privileges: as Kubernetes calls restricted',
      [
        '--user=1234:5678',
        '--read-only',
        '--tmpfs=/run',
        '--tmpfs=/tmp',
        '--cap-drop=all',
        '--security-opt=no-new-privileges',
      ],
    ],
  ])('as %s', async (_, flags) => {
    container = await OciContainer.run({ flags });
    await container.output('curl', '-sf', 'http://127.0.0.1:9180/livez');
    // Services that need root stay down; the container is ready all the same.
    for (const service of ['cron', 'syslog-ng']) await container.reaches(service, 'down');
    expect(await container.output('curl', '-s', 'http://127.0.0.1:9180/readyz')).toBe('ok');
    expect(await container.stop()).toBe(0);
  });

  test('in the PID namespace of another container, whose processes my_init leaves alone', async () => {
    const neighbour = await OciContainer.run({ command: ['sleep', '1000'], unattended: true });
    container = await OciContainer.run({ flags: [`--pid=container:${neighbour.name}`] });
    try {
      await container.reaches('cron', 'up');
      expect(await container.stop()).toBe(0);
      expect((await podman('inspect', '--format', '{{.State.Running}}', neighbour.name)).stdout.trim()).toBe('true');
      const { stdout } = await neighbour.exec('sh', '-c', 'cat /proc/[0-9]*/comm');
      expect(stdout).not.toMatch(/my_init|cron|syslog/);
    } finally {
      await container.dispose();
      await neighbour.dispose();
    }
  });
});
