import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { IN } from '../../../src/process/inotify.js';
import { PathWatch } from '../../../src/supervisor/path-watch.js';
import { waitFor } from '../../helpers/wait-for.js';

let root: string;
let watch: PathWatch;
let changes: string[];
let isMissed: boolean;

const at = (...parts: readonly string[]): string => join(root, ...parts);

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'path-watch-')));
  changes = [];
  isMissed = false;
  watch = new PathWatch(
    (keys, missed) => {
      changes.push(...keys);
      isMissed ||= missed;
    },
    () => {},
  );
});

afterEach(() => {
  watch.close();
  rmSync(root, { recursive: true });
});

/** All keys that are reported for a change, and no others. */
async function reported(change: () => void): Promise<readonly string[]> {
  changes.length = 0;
  watch.watch('end', { files: [at('end')], directories: [] });
  change();
  writeFileSync(at('end'), '');
  // Changes are reported in order: after this one none of the earlier ones can come.
  await waitFor('the last change', () => changes.includes('end'));
  return [...new Set(changes)].filter((key) => key !== 'end');
}

describe('a file', () => {
  test('is reported when it is made, written, made executable, replaced and removed', async () => {
    mkdirSync(at('web'));
    watch.watch('web', { files: [at('web/run')], directories: [] });
    expect(await reported(() => writeFileSync(at('web/run'), ''))).toEqual(['web']);
    expect(await reported(() => writeFileSync(at('web/run'), 'more'))).toEqual(['web']);
    expect(await reported(() => chmodSync(at('web/run'), 0o755))).toEqual(['web']);
    writeFileSync(at('web/run.tmp'), '');
    expect(await reported(() => renameSync(at('web/run.tmp'), at('web/run')))).toEqual(['web']);
    expect(await reported(() => rmSync(at('web/run')))).toEqual(['web']);
  });

  test('may come with all directories above it', async () => {
    watch.watch('web', { files: [at('a/b/web/run')], directories: [] });
    expect(await reported(() => mkdirSync(at('a/b/web'), { recursive: true }))).toEqual(['web']);
    expect(await reported(() => writeFileSync(at('a/b/web/run'), ''))).toEqual(['web']);
  });

  test('of another name beside it is ignored', async () => {
    mkdirSync(at('web'));
    watch.watch('web', { files: [at('web/run')], directories: [] });
    expect(await reported(() => writeFileSync(at('web/log.txt'), 'more'))).toEqual([]);
  });
});

describe('a symbolic link', () => {
  test('is reported when its target changes, through any number of links', async () => {
    mkdirSync(at('real'));
    mkdirSync(at('web'));
    writeFileSync(at('real/run'), '');
    symlinkSync('real', at('alias'));
    symlinkSync('../alias/run', at('web/run'));
    watch.watch('web', { files: [at('web/run')], directories: [] });
    expect(await reported(() => chmodSync(at('real/run'), 0o755))).toEqual(['web']);
    mkdirSync(at('other'));
    symlinkSync('other', at('alias.new'));
    expect(await reported(() => renameSync(at('alias.new'), at('alias')))).toEqual(['web']);
    expect(await reported(() => writeFileSync(at('other/run'), ''))).toEqual(['web']);
    expect(await reported(() => writeFileSync(at('real/run'), 'more'))).toEqual([]);
  });

  test('of a ConfigMap that is swapped is reported', async () => {
    mkdirSync(at('map/..1'), { recursive: true });
    writeFileSync(at('map/..1/services.yaml'), 'one');
    symlinkSync('..1', at('map/..data'));
    symlinkSync('..data/services.yaml', at('map/services.yaml'));
    watch.watch('map', { files: [at('map/services.yaml')], directories: [] });
    mkdirSync(at('map/..2'));
    writeFileSync(at('map/..2/services.yaml'), 'two');
    symlinkSync('..2', at('map/..data_tmp'));
    expect(await reported(() => renameSync(at('map/..data_tmp'), at('map/..data')))).toEqual(['map']);
  });

  test('does no harm if it leads in a circle', async () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    watch.watch('web', { files: [at('a/run')], directories: [] });
    rmSync(at('a'));
    expect(await reported(() => mkdirSync(at('a')))).toEqual(['web']);
  });
});

describe('a directory', () => {
  test('is reported with each entry that is made, written or removed', async () => {
    watch.watch('env', { files: [], directories: [at('env')] });
    expect(await reported(() => mkdirSync(at('env')))).toEqual(['env']);
    expect(await reported(() => writeFileSync(at('env/A'), '1'))).toEqual(['env']);
    expect(await reported(() => rmSync(at('env/A')))).toEqual(['env']);
  });

  test('is a different one when it is made again, though the inode may be the same', () => {
    const paths = { files: [at('web/run')], directories: [] };
    mkdirSync(at('web'));
    watch.watch('web', paths);
    const before = watch.directoryAt('web', at('web'));
    expect(before).toBeDefined();
    watch.refresh();
    expect(watch.directoryAt('web', at('web'))).toBe(before);
    for (let time = 0; time < 20; time++) {
      const last = watch.directoryAt('web', at('web'));
      rmSync(at('web'), { recursive: true });
      mkdirSync(at('web'));
      watch.refresh();
      expect(watch.directoryAt('web', at('web'))).not.toBe(last);
    }
  });

  test('is the same one when it comes back after a while', () => {
    mkdirSync(at('web'));
    watch.watch('web', { files: [at('web/run')], directories: [] });
    const before = watch.directoryAt('web', at('web'));
    renameSync(at('web'), at('away'));
    watch.refresh();
    renameSync(at('away'), at('web'));
    watch.refresh();
    expect(watch.directoryAt('web', at('web'))).toBe(before);
  });
});

test('when changes overflow the queue of the kernel, this is reported, and all paths are followed again', async () => {
  mkdirSync(at('flood'));
  watch.watch('flood', { files: [], directories: [at('flood')] });
  watch.watch('web', { files: [at('web/run')], directories: [] });
  const limit = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  for (let count = 0; count <= limit; count++) writeFileSync(at(`flood/${count % 10}`), '');
  mkdirSync(at('web'));
  await waitFor('the report', () => isMissed);
  expect(changes).not.toContain('web');
  writeFileSync(at('web/run'), '');
  await waitFor('a change behind the directory that was missed', () => changes.includes('web'));
});

test('a key that is not watched any more is not reported', async () => {
  watch.watch('web', { files: [at('run')], directories: [] });
  watch.unwatch('web');
  expect(await reported(() => writeFileSync(at('run'), ''))).toEqual([]);
});

describe('a directory on the way', () => {
  /** The bits of inotify(7) that the kernel reports for a directory. */
  const watchedBits = (path: string): number => {
    const inode = statSync(path).ino.toString(16);
    for (const fd of readdirSync('/proc/self/fd')) {
      const found = new RegExp(`^inotify wd:\\S+ ino:${inode} \\S+ mask:(\\S+)`, 'm').exec(infoOf(fd));
      if (found !== null) return Number.parseInt(found[1] ?? '', 16);
    }
    throw new Error(`${path} is not watched`);
  };
  const infoOf = (fd: string): string => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
    } catch {
      // This is the descriptor of the listing itself.
      return '';
    }
  };
  const NAMES = IN.CREATE | IN.DELETE | IN.MOVED_FROM | IN.MOVED_TO | IN.ATTRIB | IN.CLOSE_WRITE;

  test('causes no report when other names in it come and go', () => {
    mkdirSync(at('busy/services/web'), { recursive: true });
    writeFileSync(at('busy/services/web/run'), '');
    symlinkSync('busy', at('alias'));
    watch.watch('web', { files: [at('alias/services/web/run')], directories: [at('alias/services/web/env')] });
    watch.watch('all', { files: [], directories: [at('alias/services')] });
    expect(watchedBits(root) & NAMES).toBe(0);
    expect(watchedBits(at('busy')) & NAMES).toBe(0);
    watch.watch('other', { files: [at('busy/other')], directories: [] });
    expect(watchedBits(at('busy')) & NAMES).toBe(NAMES);
    watch.unwatch('other');
    expect(watchedBits(at('busy')) & NAMES).toBe(0);
  });

  test.each(['busy', 'alias'])('is reported when it, as %s, is renamed, replaced or removed', async (way) => {
    const make = (name: string): void => {
      mkdirSync(at(name, 'services/web'), { recursive: true });
      writeFileSync(at(name, 'services/web/run'), '');
    };
    make('busy');
    make('other');
    symlinkSync('busy', at('alias'));
    watch.watch('web', { files: [at(way, 'services/web/run')], directories: [] });
    expect(await reported(() => renameSync(at('busy'), at('gone')))).toEqual(['web']);
    expect(await reported(() => renameSync(at('other'), at('busy')))).toEqual(['web']);
    expect(await reported(() => rmSync(at('busy'), { recursive: true }))).toEqual(['web']);
    expect(await reported(() => make('busy'))).toEqual(['web']);
  });

  test('is reported when it is emptied and removed while a process has it open, and made again', async () => {
    mkdirSync(at('busy/services/web'), { recursive: true });
    writeFileSync(at('busy/services/web/run'), '');
    watch.watch('web', { files: [at('busy/services/web/run')], directories: [] });
    watch.watch('all', { files: [], directories: [at('busy/services')] });
    const open = ['busy', 'busy/services', 'busy/services/web'].map((name) => openSync(at(name), 'r'));
    expect((await reported(() => rmSync(at('busy'), { recursive: true }))).toSorted()).toEqual(['all', 'web']);
    expect((await reported(() => mkdirSync(at('busy/services/web'), { recursive: true }))).toSorted()).toEqual([
      'all',
      'web',
    ]);
    // The services directory was empty for a while.
    rmSync(at('busy/services/web'), { recursive: true });
    expect((await reported(() => {})).toSorted()).toEqual(['all', 'web']);
    const again = openSync(at('busy/services'), 'r');
    expect((await reported(() => rmdirSync(at('busy/services')))).toSorted()).toEqual(['all', 'web']);
    expect((await reported(() => mkdirSync(at('busy/services')))).toSorted()).toEqual(['all', 'web']);
    for (const fd of [...open, again]) closeSync(fd);
  });

  test('is reported when it is a link that is replaced, or removed and made again', async () => {
    for (const name of ['a', 'b']) {
      mkdirSync(at(name));
      writeFileSync(at(name, 'run'), '');
    }
    symlinkSync('a', at('link'));
    watch.watch('web', { files: [at('link/run')], directories: [] });
    expect(
      await reported(() => {
        symlinkSync('b', at('next'));
        renameSync(at('next'), at('link'));
      }),
    ).toEqual(['web']);
    expect(await reported(() => rmSync(at('link')))).toEqual(['web']);
    expect(await reported(() => symlinkSync('a', at('link')))).toEqual(['web']);
    expect(await reported(() => writeFileSync(at('b/run'), 'more'))).toEqual([]);
    expect(await reported(() => writeFileSync(at('a/run'), 'more'))).toEqual(['web']);
  });
});
