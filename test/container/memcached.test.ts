import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { buildImage, describeWithImage, OciContainer, podman } from '../helpers/oci.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/memcached', import.meta.url));
/** Asks memcached as soon as it listens, from inside: the image has no client. */
const ASK = `until (: 3<>/dev/tcp/127.0.0.1/11211) 2>/dev/null; do sleep 0.1; done
exec 3<>/dev/tcp/127.0.0.1/11211; printf "version\\r\\nquit\\r\\n" >&3; cat <&3`;
const ask = ['timeout', '30', 'bash', '-c', ASK];
const SOCKET = 'my_init-test-socket';

describeWithImage('the memcached example', () => {
  let image: string;
  let container: OciContainer;
  beforeAll(async () => {
    image = await buildImage(EXAMPLE);
  });
  afterEach(async () => {
    await container.dispose();
    await podman('volume', 'rm', '--force', SOCKET);
  });
  afterAll(() => podman('rmi', '--force', image));

  test('is supervised, answers, is restarted by svctl, and stops in order with everything else', async () => {
    container = await OciContainer.run({ image });
    const { pid } = await container.reaches('memcached', 'up');
    expect(await container.output(...ask)).toMatch(/^VERSION 1\./);
    expect(await container.output('stat', '-c', '%U', `/proc/${pid}`)).toBe('memcache');
    expect(await container.output('svctl', 'restart', 'memcached')).toMatch(
      new RegExp(`^memcached restarted: pid ${pid} → \\d+ in [\\d.]+ m?s$`),
    );
    expect(await container.output(...ask)).toMatch(/^VERSION 1\./);
    expect(await container.stop()).toBe(0);
  });

  test('is restarted by svctl in a second container that shares the socket', async () => {
    container = await OciContainer.run({ image, flags: ['--volume', `${SOCKET}:/run/my_init`] });
    const { pid } = await container.reaches('memcached', 'up');
    const sidecar = ['run', '--rm', '--network=none', '--volume', `${SOCKET}:/run/my_init`, image];
    expect((await podman(...sidecar, 'svctl', 'restart', 'memcached')).stdout).toContain(`pid ${pid} → `);
    expect((await podman(...sidecar, 'svctl', 'logs', 'my_init')).stdout).toContain(
      'memcached: is restarted, as asked by uid 0',
    );
  });
});
