import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';
/** Records how it was started, byte for byte. */
const RECORDS =
  '#!/bin/sh\ncat /proc/self/environ > environ.new\ncat /proc/self/status /proc/self/limits /proc/self/stat > status.new\nmv status.new status; mv environ.new environ\nexec sleep 1000\n';

let container: TestContainer;
afterEach(() => container.dispose());

const path = (name: string) => join(container.services, name);
const contentOf = (name: string) =>
  waitFor(`${name}`, () => {
    try {
      return readFileSync(path(name), 'latin1');
    } catch {
      return undefined;
    }
  });

describe('a service whose run', () => {
  const cases: readonly (readonly [string, () => unknown, RegExp, () => unknown])[] = [
    ['is missing', () => {}, /run: does not exist$/, () => container.write('web/run', WORKS)],
    [
      'is not executable',
      () => container.write('web/run', WORKS, 0o644),
      /run: permission denied \(make it executable: chmod \+x .*\/web\/run\)$/,
      () => container.write('web/run', WORKS, 0o755),
    ],
    [
      'is a link to nothing',
      () => symlinkSync('../../sv/web/run', path('web/run')),
      /run: is a link to \.\.\/\.\.\/sv\/web\/run, which does not exist$/,
      () => {
        rmSync(path('web/run'));
        container.write('web/run', WORKS);
      },
    ],
    [
      'is on a file system that is mounted noexec',
      () => {
        container.write('web/run', WORKS);
        return container.exec(
          'sh',
          '-c',
          `mount --bind ${path('web')} ${path('web')} && mount -o remount,bind,noexec ${path('web')}`,
        );
      },
      /run: is on a file system that is mounted noexec \(mount it without noexec, or keep the program elsewhere\)$/,
      () => container.exec('umount', path('web')).then(() => container.svctl('rescan')),
    ],
    [
      'has Windows line ends',
      () => container.write('web/run', WORKS.replaceAll('\n', '\r\n')),
      /run: has Windows line ends, CRLF/,
      () => container.write('web/run', WORKS),
    ],
    [
      'names an interpreter that does not exist',
      () => container.write('web/run', '#!/usr/bin/nothing here\n'),
      /run: its interpreter \/usr\/bin\/nothing does not exist$/,
      () => container.write('web/run', WORKS),
    ],
    [
      'names an interpreter that is a directory',
      () => container.write('web/run', '#!/tmp\n'),
      /run: its interpreter \/tmp is not a regular file$/,
      () => container.write('web/run', WORKS),
    ],
    ['is empty', () => container.write('web/run', '', 0o755), /run: is empty/, () => container.write('web/run', WORKS)],
    [
      'is a directory',
      () => mkdirSync(path('web/run')),
      /run: is a directory/,
      () => {
        rmSync(path('web/run'), { recursive: true, maxRetries: 20 });
        container.write('web/run', WORKS);
      },
    ],
    [
      'has no #! line',
      () => container.write('web/run', 'exec sleep 1000\n', 0o755),
      /run: has no interpreter line \(its first line must be like #!\/bin\/sh\)$/,
      () => container.write('web/run', WORKS),
    ],
    [
      'is a broken program',
      () => writeFileSync(path('web/run'), Buffer.from('\x7fELF\x01\x01\x01 nonsense'), { mode: 0o755 }),
      /run: cannot be executed \(exec: ENOEXEC\)$/,
      () => {
        rmSync(path('web/run'));
        container.write('web/run', WORKS);
      },
    ],
  ];

  test.each(cases)('%s says so, and is started as soon as it is mended', async (_what, breaks, says, mend) => {
    container = await TestContainer.boot({ services: { web: { down: '' } } });
    await breaks();
    expect((await container.svctl('start', 'web')).code).not.toBe(0);
    const broken = await container.reaches('web', 'failed');
    expect(broken.trouble).toMatch(says);
    expect(await container.table()).toMatch(new RegExp(says.source.replace('$', '')));
    await mend();
    // The next attempt without a change would come much later.
    const mended = await container.reaches('web', 'up');
    expect(mended).toMatchObject({ trouble: '', consecutiveFailures: 0, cause: { kind: 'CAUSE_KIND_SCAN' } });
  });
});

describe('a service is started', () => {
  test('unless its directory has a file down', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS, down: '' }, other: { run: WORKS } } });
    await container.reaches('other', 'up');
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_DOWN', run: 0 });
    expect((await container.svctl('start', 'web')).code).toBe(0);
  });

  test('in a session of its own, with no signal ignored or blocked, three descriptors and the limit of init', async () => {
    container = await TestContainer.boot({
      services: { web: { run: RECORDS } },
      prepare: 'ulimit -Sn 777; trap "" PIPE HUP USR1',
    });
    const status = await contentOf('web/status');
    expect(status).toMatch(/^SigIgn:\t0000000000000000$/m);
    expect(status).toMatch(/^SigBlk:\t0000000000000000$/m);
    expect(status).toMatch(/^Max open files +777 /m);
    const { pid } = await container.status('web');
    expect(status).toMatch(new RegExp(`^\\d+ \\(cat\\) . ${pid} ${pid} ${pid} `, 'm'));
    await container.reaches('web', 'up');
    expect((await container.exec('ls', '-1', `/proc/${pid}/fd`)).stdout).toBe('0\n1\n2\n');
  });

  test('with NODE_OPTIONS of the container, which the controller does not use', async () => {
    container = await TestContainer.boot({
      services: { web: { run: RECORDS } },
      env: { NODE_OPTIONS: '--require=/nowhere.js', LD_PRELOAD_TEST: 'x' },
    });
    expect((await contentOf('web/environ')).split('\0')).toContain('NODE_OPTIONS=--require=/nowhere.js');
    const environ = readFileSync(`/proc/${container.controllerPid}/environ`, 'latin1');
    expect(environ).not.toContain('NODE_OPTIONS');
  });

  test('unless a file of its env directory cannot be read, which is named', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS, 'env/GOOD': 'x' } } });
    symlinkSync('/nowhere', path('web/env/SECRET'));
    await container.svctl('restart', 'web');
    expect((await container.reaches('web', 'failed')).trouble).toMatch(
      /^\/.*\/web\/env\/SECRET: is a link to \/nowhere, which does not exist$/,
    );
    rmSync(path('web/env/SECRET'));
    expect((await container.svctl('start', 'web')).code).toBe(0);
  });

  test('with its env directory as chpst -e reads it, whatever bytes are in it', async () => {
    container = await TestContainer.boot({
      services: {
        web: {
          run: RECORDS,
          down: '',
          'env/FIRST_LINE': 'one  \t\ntwo\n',
          'env/WITHOUT_END': 'value',
          'env/GONE': '',
          'env/BLANK': '\n',
          'env/.hidden': 'no',
        },
      },
      env: { GONE: 'still there', KEPT: 'yes' },
    });
    writeFileSync(path('web/env/BYTES'), Buffer.from([0xff, 0xfe, 0x41, 0x00, 0x42, 0x0a]));
    mkdirSync(path('web/env/directory'));
    await container.svctl('start', 'web');
    const entries = (await contentOf('web/environ')).split('\0');
    expect(entries).toEqual(
      expect.arrayContaining(['FIRST_LINE=one', 'WITHOUT_END=value', 'BLANK=', 'KEPT=yes', 'BYTES=\xff\xfeA\nB']),
    );
    expect(entries.filter((entry) => /^(GONE|\.hidden|directory)=/.test(entry))).toEqual([]);
  });
});

test('a run that is mended during an attempt is tried again at once', async () => {
  const finish = '#!/bin/sh\nsleep 1\n';
  container = await TestContainer.boot({ services: { web: { finish, down: '' } } });
  await container.svctl('start', 'web', '--no-wait');
  await container.reaches('web', 'finishing');
  container.write('.run', WORKS);
  renameSync(path('.run'), path('web/run'));
  await container.reaches('web', 'up');
});
