import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWithImage, extendImage, OciContainer, podman } from '../helpers/oci.js';

const RUN = `#!/bin/sh
exec nginx -g 'daemon off;'
`;

describeWithImage('packages', () => {
  let image: string;
  let container: OciContainer;
  beforeAll(async () => {
    image = await extendImage({ 'etc/service/nginx/run': RUN }, 'install_clean nginx-light');
  });
  afterEach(() => container.dispose());
  afterAll(() => podman('rmi', '--force', image));

  test('a package with a daemon is installed without starting it, and needs one line to be a service', async () => {
    container = await OciContainer.run({ image });
    const { pid } = await container.reaches('nginx', 'up');
    await container.output('curl', '--silent', '--fail', '--retry-connrefused', '--retry', '20', 'http://127.0.0.1/');
    expect(await container.output('pgrep', '--oldest', '-x', 'nginx')).toBe(String(pid));
    expect(await container.output('cat', '/proc/1/comm')).toBe('my_init');
    expect(await container.stop()).toBe(0);
  });

  test('the log files of a package are rotated, and its daemon reopens them', async () => {
    container = await OciContainer.run({ image });
    await container.reaches('nginx', 'up');
    const ask = ['curl', '--silent', '--output', '/dev/null', '--retry-connrefused', '--retry', '20'];
    await container.output(...ask, 'http://127.0.0.1/before');
    await container.output('logrotate', '--force', '/etc/logrotate.d/nginx');
    await container.output(...ask, 'http://127.0.0.1/after');
    expect(await container.output('cat', '/var/log/nginx/access.log.1')).toContain('GET /before');
    expect(await container.output('cat', '/var/log/nginx/access.log')).toMatch(/^[^\n]*GET \/after[^\n]*$/);
  });

  describe('install_clean', () => {
    test('leaves nothing behind', async () => {
      container = await OciContainer.run({ image });
      const leftovers = 'ls -d /var/lib/apt/lists/* /var/cache/apt/archives/*.deb 2>/dev/null; true';
      expect(await container.output('sh', '-c', leftovers)).toBe('');
    });

    test.each([
      ['without what is only recommended', ['ncdu'], 'install -qy --no-install-recommends ncdu'],
      ['with what is recommended', ['--install-recommends', 'ncdu'], 'install -qy --install-recommends ncdu'],
      ['with an option of apt-get', ['-t', 'stable', 'a b'], 'install -qy --no-install-recommends -t stable a b'],
    ])('installs %s', async (_, words, asked) => {
      container = await OciContainer.run({ image });
      await container.write('/usr/local/bin/apt-get', '#!/bin/sh\necho "asked: $*"\n');
      const lines = (await container.output('install_clean', ...words)).split('\n');
      expect(lines).toEqual(['asked: update -q', `asked: ${asked}`, 'asked: autoremove -qy', 'asked: clean']);
    });

    test.each([[[]], [['--install-recommends']]])('prints its usage when it is given %j', async (words) => {
      container = await OciContainer.run({ image });
      const { code, stderr } = await container.exec('install_clean', ...words);
      expect([code, stderr]).toEqual([2, 'Usage: install_clean [--install-recommends] PACKAGE...\n']);
    });

    test('fails with the exit code of apt-get, and cleans up all the same', async () => {
      container = await OciContainer.run({ image });
      const failing = '#!/bin/sh\n[ "$1" != install ] || exit 100\nmkdir -p /var/lib/apt/lists/some\n';
      await container.write('/usr/local/bin/apt-get', failing);
      expect((await container.exec('install_clean', 'ncdu')).code).toBe(100);
      expect(await container.output('ls', '/var/lib/apt/lists')).toBe('');
    });
  });
});
