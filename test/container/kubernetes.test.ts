import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { buildImage, describeWithImage, podman } from '../helpers/oci.js';
import { waitFor } from '../helpers/wait-for.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

describeWithImage('the Kubernetes examples', () => {
  let memcached: string;
  let image: string;
  let directory: string;
  let manifest: string;
  beforeAll(async () => {
    memcached = await buildImage(join(EXAMPLES, 'memcached'));
    image = await buildImage(join(EXAMPLES, 'kubernetes'), memcached);
  }, 900_000);
  afterAll(() => podman('rmi', '--force', image, memcached));
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'my_init-pod-'));
    manifest = join(directory, 'pod.yaml');
  });
  afterEach(async () => {
    await podman('play', 'kube', '--down', manifest);
    rmSync(directory, { recursive: true, force: true, maxRetries: 20 });
  });

  /** Plays a manifest, after replacing the parts of Kubernetes that podman does not know. */
  async function play(name: string): Promise<void> {
    const volume = (volumeName: string) => {
      const path = join(directory, volumeName);
      mkdirSync(path);
      chmodSync(path, 0o777);
      return path;
    };
    const text = readFileSync(join(EXAMPLES, 'kubernetes', name), 'utf8')
      // A native sidecar becomes an ordinary container.
      .replace('  initContainers:', '  containers:')
      .replace('  containers:\n    - name: memcached', '    - name: memcached')
      .replace('      restartPolicy: Always\n', '')
      // An emptyDir that everybody may write to.
      .replaceAll(
        /- name: (\S+)\n {6}emptyDir: .*/g,
        (_, it) => `- name: ${it}\n      hostPath: { path: ${volume(it)} }`,
      )
      // podman runs curl inside for a probe, and does not know names of ports.
      .replaceAll('port: my-init }', 'port: 9180 }')
      .replaceAll('image: my_init-memcached', `image: ${image}`);
    writeFileSync(manifest, text);
    const { code, stderr } = await podman('play', 'kube', manifest);
    expect([code, code === 0 || stderr]).toEqual([0, true]);
  }

  const inPod = (container: string, ...command: readonly string[]) => podman('exec', container, ...command);

  /**
   * Waits until the services are up; then a sidecar shows their logs, and restarts one over the
   * shared socket.
   */
  async function works(pod: string): Promise<void> {
    const [app, sidecar] = [`${pod}-memcached`, `${pod}-log`];
    const up = async () => (await inPod(app, 'svctl', 'health', 'readiness')).code === 0;
    await waitFor(`${pod} to be ready`, up).catch(async (error: unknown) => {
      throw new Error(
        `${error}\n${(await podman('logs', app)).stderr}\n${(await inPod(app, 'svctl', 'status')).stdout}`,
      );
    });
    const restarted = await inPod(sidecar, 'svctl', 'restart', 'memcached');
    expect(restarted.stdout + restarted.stderr).toMatch(/^memcached restarted: pid \d+ → \d+/);
    await waitFor('the sidecar to show it', async () =>
      (await podman('logs', sidecar)).stdout.includes('memcached: is restarted, as asked by uid'),
    );
    for (const probe of ['startupz', 'livez', 'readyz'])
      expect((await inPod(app, 'curl', '-s', `http://127.0.0.1:9180/${probe}`)).stdout).toBe('ok\n');
    // podman's limit includes the start of the probe's process.
    await waitFor('a healthy answer', async () => (await podman('healthcheck', 'run', app)).code === 0);
    // Each is ended as the kubelet does: TERM, and KILL after the grace period, which would give
    // 137.
    for (const [name, code] of [
      [app, '0'],
      [sidecar, '143'],
    ] as const) {
      await podman('stop', '--time', '30', name);
      expect((await podman('inspect', '--format', '{{.State.ExitCode}}', name)).stdout.trim()).toBe(code);
    }
  }

  test('a sidecar that shares the socket works in a pod', async () => {
    await play('pod.yaml');
    await works('memcached');
  });

  test('a sidecar works under the restricted policy too', async () => {
    await play('restricted.yaml');
    await works('memcached-restricted');
  });
});
