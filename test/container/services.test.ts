import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWithImage, extendImage, OciContainer, podman } from '../helpers/oci.js';

/**
 * Waits for a line: syslog-ng writes to the output of the container and to its files one after the
 * other.
 */
async function hasLine(container: OciContainer, file: string, text: string): Promise<void> {
  const look = 'until grep -q -e "$0" "$1"; do sleep 0.05; done';
  await container.output('timeout', '30', 'sh', '-c', look, text, file);
}

describeWithImage('the services of the image', () => {
  let container: OciContainer | undefined;
  afterEach(async () => {
    await container?.dispose();
    container = undefined;
  });

  describe('syslog writes a line of every priority to the output of the container, and to a file', () => {
    let shared: OciContainer;
    beforeAll(async () => {
      shared = await OciContainer.run();
      await shared.reaches('syslog-ng', 'up');
    });
    afterAll(() => shared.dispose());

    test.each([
      'auth.debug',
      'authpriv.info',
      'cron.info',
      'daemon.notice',
      'kern.warning',
      'mail.debug',
      'local7.info',
    ])('%s', async (priority) => {
      await shared.output('logger', '--priority', priority, `said with ${priority}`);
      await shared.says(`said with ${priority}\n`);
      await hasLine(shared, '/var/log/syslog', `said with ${priority}`);
    });
  });

  describe('syslog', () => {
    test('is available to startup scripts, shutdown hooks, and the last words of services', async () => {
      const image = await extendImage({
        'etc/my_init.d/20': '#!/bin/sh\nlogger from a startup script\n',
        'etc/my_init.pre_shutdown.d/10': '#!/bin/sh\nlogger from a hook\n',
        'etc/service/last/run': '#!/bin/sh\ntrap "logger last words; exit" TERM\nwhile :; do sleep 1 & wait; done\n',
      });
      container = await OciContainer.run({ image });
      await container.reaches('last', 'up');
      expect(await container.stop()).toBe(0);
      const log = await container.log();
      for (const text of ['from a startup script', 'from a hook', 'last words'])
        expect(log).toContain(`root: ${text}\n`);
      await container.dispose();
      await podman('rmi', '--force', image);
    });

    test('is supervised: it is restarted after a kill', async () => {
      container = await OciContainer.run();
      const { pid } = await container.reaches('syslog-ng', 'up');
      await container.output('kill', '-9', String(pid));
      await container.says(/syslog-ng: .*KILL/);
      await container.reaches('syslog-ng', 'up');
      await container.output('logger', 'after its death');
      await container.says('root: after its death\n');
    });

    test('stops nothing else when it cannot start', async () => {
      container = await OciContainer.run({ flags: ['--volume', '/dev/null:/etc/syslog-ng/syslog-ng.conf'] });
      await container.reaches('cron', 'up');
      expect(await container.log()).toContain('*** syslog-ng is not ready; going on without it\n');
    });

    test('has its file rotated', async () => {
      container = await OciContainer.run();
      await container.reaches('syslog-ng', 'up');
      await container.output('logger', 'before');
      await container.says('root: before\n');
      await container.output('/etc/cron.daily/logrotate');
      await container.output('logrotate', '--force', '/etc/logrotate.d/syslog');
      await container.output('logger', 'after');
      await container.says('root: after\n');
      await hasLine(container, '/var/log/syslog', 'root: after');
      expect(await container.output('cat', '/var/log/syslog.1')).toContain('root: before');
      expect(await container.output('cat', '/var/log/syslog')).toMatch(/^[^\n]* root: after$/);
    });
  });

  test("cron runs jobs with the container's environment, logs their output and failures, and accepts linked files", async () => {
    // cron takes more than one link for an attack; files of an image often have more.
    const job = { 'etc/cron.d/job': '@reboot root echo "said: $GREETING"; false\n' };
    const image = await extendImage(job, 'ln /etc/cron.d/job /var/twin');
    // pam_env would cut this value.
    container = await OciContainer.run({ image, flags: ['--env', 'GREETING=one # "two"\nthree'] });
    await container.says('cron(root): said: one # "two"\n');
    await container.says('cron(root): three\n');
    await container.says('failed with exit status 1');
    await container.dispose();
    await podman('rmi', '--force', image);
  });
});
