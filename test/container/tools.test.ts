import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { describeWithImage, OciContainer, podman, podmanBuild } from '../helpers/oci.js';
import { packed } from '../helpers/packed.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const BASE = 'docker.io/library/debian:bookworm-slim';
const TOOLS = 'localhost/my_init-tools';
const SERVICE = '#!/bin/sh\nexec sleep 1000\n';

describeWithImage('the tool image', () => {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-tools-'));
  const images: string[] = [];
  let container: OciContainer | undefined;

  async function build(name: string, dockerfile: string, context = directory): Promise<string> {
    const { code, stderr } = await podmanBuild('--quiet', '--tag', name, '--file', dockerfile, context);
    expect([code, code === 0 || stderr]).toEqual([0, true]);
    images.push(name);
    return name;
  }

  beforeAll(async () => {
    const archive = readdirSync(packed()).find((file) => /-node.*\.tar\.gz$/.test(file)) ?? 'no archive';
    copyFileSync(join(packed(), archive), join(directory, 'my_init.tar.gz'));
    writeFileSync(join(directory, 'run'), SERVICE, { mode: 0o755 });
    await build(TOOLS, join(PROJECT, 'packaging/Dockerfile'), packed());
  });
  afterEach(() => container?.dispose());
  afterAll(async () => {
    await podman('rmi', '--force', ...images);
    rmSync(directory, { recursive: true, maxRetries: 20 });
  });

  test('is copied into another image, whose links stay', async () => {
    const dockerfile = join(directory, 'Dockerfile');
    const lines = ['COPY --from=my_init-tools / /', 'COPY run /etc/service/web/run', 'CMD ["/sbin/my_init"]'];
    writeFileSync(dockerfile, [`FROM ${TOOLS} AS my_init-tools`, `FROM ${BASE}`, ...lines, ''].join('\n'));
    container = await OciContainer.run({ image: await build('localhost/my_init-test-copied', dockerfile) });
    await container.reaches('web', 'up');
    expect(await container.output('readlink', '/sbin', '/usr/sbin/my_init')).toBe('usr/sbin\n../lib/my_init/my_init');
    expect(await container.stop()).toBe(0);
  });

  test.each([
    ['an image whose /sbin is a link', BASE, 'usr/sbin'],
    ['an empty image', 'scratch', ''],
  ])('its archive is added by a builder to %s', async (_, base, sbin) => {
    const lines = [`FROM ${base}`, 'ADD my_init.tar.gz /', 'COPY run /etc/service/web/run', 'CMD ["/sbin/my_init"]'];
    const dockerfile = join(directory, 'Dockerfile');
    writeFileSync(dockerfile, `${lines.join('\n')}\n`);
    const image = await build(`localhost/my_init-test-added-${sbin === '' ? 'scratch' : 'link'}`, dockerfile);
    container = await OciContainer.run({ image });
    if (sbin === '') expect(await container.output('/usr/bin/svctl', 'health', 'liveness')).toContain('serving');
    else {
      await container.reaches('web', 'up');
      expect(await container.output('readlink', '/sbin')).toBe(sbin);
      expect((await container.exec('/sbin/setuser')).stderr).toMatch(/usage: setuser/i);
    }
    expect(await container.stop()).toBe(0);
  });

  test('is mounted into an unchanged image', async () => {
    const mount = `type=image,source=${TOOLS},destination=/opt/my_init`;
    container = await OciContainer.run({
      image: BASE,
      flags: ['--mount', mount, '--env', 'PATH=/opt/my_init/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      command: ['/opt/my_init/usr/sbin/my_init', '--', 'sleep', '1000'],
    });
    const { nodeVersion } = JSON.parse(await container.output('svctl', 'info', '-o', 'json'));
    expect(nodeVersion).toMatch(/^v24\./);
    expect(await container.output('/opt/my_init/usr/lib/my_init/bin/svctl', 'health')).toContain('serving');
    expect(await container.stop()).toBe(143);
  });
});
