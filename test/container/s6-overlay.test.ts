import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildImage, describeWithImage, OciContainer, podman, podmanBuild } from '../helpers/oci.js';

const PAGE = readFileSync(new URL('../../docs/migrate-from-s6-overlay.md', import.meta.url), 'utf8');
const DOCKERFILE = /```dockerfile\n(FROM my_init\n.*?)```/s.exec(PAGE)?.[1] ?? '';

/** A tree as in an image with s6-overlay: nothing is executable. */
const TREE = {
  'user/type': 'bundle\n',
  'user/contents.d/web': '',
  'db/type': 'longrun\n',
  'db/run': '#!/command/with-contenv sh\necho >&3\nexec sleep 1000\n',
  'db/notification-fd': '3\n',
  'db/dependencies.d/base': '',
  'migrate/type': 'oneshot\n',
  'migrate/up': '/bin/sh -c "id -un > /run/migrated"\n',
  'migrate/dependencies.d/db': '',
  'web/type': 'longrun\n',
  'web/run':
    '#!/usr/bin/with-contenv bash\nread by < /run/migrated\necho "migrated by $by"\nexec s6-setuidgid nobody sleep 1000\n',
  'web/dependencies.d/migrate': '',
};

describeWithImage('the Dockerfile of docs/migrate-from-s6-overlay.md', () => {
  let directory: string;
  let image: string | undefined;
  let container: OciContainer | undefined;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'my_init-s6-'));
  });
  afterEach(async () => {
    await container?.dispose();
    if (image !== undefined) await podman('rmi', '--force', image);
    rmSync(directory, { recursive: true });
    container = undefined;
    image = undefined;
  });

  function write(tree: Readonly<Record<string, string>>): void {
    writeFileSync(join(directory, 'Dockerfile'), DOCKERFILE);
    for (const [path, content] of Object.entries(tree)) {
      const file = join(directory, 's6-rc.d', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }

  test('builds an image from an s6-rc tree, and the services run', async () => {
    write(TREE);
    image = await buildImage(directory);
    container = await OciContainer.run({ image });
    await container.reaches('web', 'up');
    await container.says('migrated by root');
    await container.reaches('migrate', 'completed');
    expect(await container.stop()).toBe(0);
  });

  test('ends the build with a list of what has to be rewritten', async () => {
    const execline = { 'migrate/up': 'foreground { echo first } echo second\n', 'web/producer-for': 'log\n' };
    write({ ...TREE, ...execline });
    const { code, stdout } = await podmanBuild('--network=host', directory);
    expect(code).not.toBe(0);
    expect(stdout).toContain('/etc/service/migrate/up: is a program of execline, which my_init does not read');
    expect(stdout).toContain('/etc/service/web/producer-for: is not in this version of my_init');
  });
});
