import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { packedTree } from '../helpers/packed.js';
import {
  DISTRIBUTIONS,
  describeWithRoots,
  distributionRoot,
  Rooted,
  type RootedOptions,
  Workshop,
} from '../helpers/rooted.js';
import { waitFor } from '../helpers/wait-for.js';

const SHELL_SERVICE = '#!/bin/sh\necho hello\nexec sleep 1000\n';

/** The root of a distribution may have to be made first. */
const ROOT_MS = 900_000;

const MODES: readonly (readonly [name: string, options: Partial<RootedOptions>])[] = [
  ['as root', {}],
  ['as uid 1234 with a read-only root', { uid: 1234, readOnly: true }],
  ['without any capability', { withoutCapabilities: true }],
];

const workshop = new Workshop();
let rooted: Rooted | undefined;
afterEach(() => rooted?.dispose());
afterAll(() => workshop.dispose());
/** Three services, each with its run file. */
function services(run: string | { readonly program: string }): NonNullable<RootedOptions['files']> {
  return Object.fromEntries(['one', 'two', 'three'].map((name) => [`etc/service/${name}/run`, run]));
}

function boot(options: RootedOptions): Rooted {
  return new Rooted(workshop.program('enter'), options);
}

/**
 * A life from the first service to the orderly end: one controller is replaced and one is killed.
 */
async function live(container: Rooted): Promise<void> {
  const before = await container.up(3);
  expect(await container.says('logs', 'one')).toContain('hello\n');
  expect(await container.says('restart', 'two')).toContain('two restarted');
  await container.says('reexec', '--timeout', '120');
  const { httpAddress, nodeVersion } = JSON.parse(await container.says('info', '-o', 'json'));
  expect(nodeVersion).toMatch(/^v24\./);
  const metrics = await (await fetch(`http://${httpAddress}/metrics`)).text();
  expect(metrics).toMatch(/my_init_service_starts_total\{service="two"\} 2\n/);
  const controller = container.controllerPid;
  process.kill(controller, 'SIGKILL');
  await waitFor('the next controller', () => {
    try {
      return container.controllerPid !== controller;
    } catch {
      return false;
    }
  });
  const after = await container.up(3);
  expect(after.get('one')).toBe(before.get('one'));
  expect(await container.says('ps')).toMatch(/ my_init\n[\s\S]* controller\n/);
  container.signal('SIGTERM');
  expect(await container.exit).toBe(0);
}

describeWithRoots('the tree', () => {
  beforeAll(() => void packedTree(), 900_000);

  describe.each(MODES)('runs, %s,', (_, mode) => {
    test('in an empty root', async () => {
      rooted = boot({
        layers: [packedTree(), workshop.emptyRoot()],
        files: services({ program: workshop.program('service') }),
        ...mode,
      });
      await live(rooted);
    });

    test('in a root with musl and busybox', async () => {
      rooted = boot({ layers: [packedTree(), workshop.muslRoot()], files: services(SHELL_SERVICE), ...mode });
      await live(rooted);
    });

    test.each(DISTRIBUTIONS)(
      'in %s',
      async (name) => {
        const root = distributionRoot(name);
        if (root === undefined) return;
        rooted = boot({ layers: [packedTree(), root], files: services(SHELL_SERVICE), ...mode });
        await live(rooted);
      },
      ROOT_MS,
    );
  });

  test('runs as a volume in an unchanged, empty root', async () => {
    rooted = boot({
      layers: [workshop.emptyRoot()],
      files: services({ program: workshop.program('service') }),
      volumes: { '/opt/my_init': `${packedTree()}/usr/lib/my_init` },
      command: ['/opt/my_init/sbin/my_init', '--http-listen', '127.0.0.1:0'],
      svctl: '/opt/my_init/bin/svctl',
      readOnly: true,
    });
    await live(rooted);
  });
  const cross = 'aarch64-linux-gnu-gcc';
  const emulated = existsSync(`/usr/bin/${cross}`) && existsSync('/usr/bin/qemu-aarch64-static');
  (emulated ? test : test.skip)(
    'for arm64 boots, answers and stops, emulated',
    async () => {
      rooted = boot({
        layers: [workshop.arm64Tree(), workshop.emptyRoot()],
        files: services({ program: workshop.program('service', cross) }),
        arm64: true,
      });
      await rooted.up(3);
      expect(await rooted.says('logs', 'one')).toBe('hello\n');
      rooted.signal('SIGTERM');
      expect(await rooted.exit).toBe(0);
    },
    900_000,
  );
});
