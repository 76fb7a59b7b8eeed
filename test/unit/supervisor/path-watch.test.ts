import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PathWatch } from '../../../src/supervisor/path-watch.js';
import { waitFor } from '../../helpers/wait-for.js';

let root: string;
let watch: PathWatch;
let changes: string[];

const at = (...parts: readonly string[]): string => join(root, ...parts);

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'path-watch-')));
  changes = [];
  watch = new PathWatch(
    (keys) => changes.push(...keys),
    () => {},
  );
});

afterEach(() => {
  watch.close();
  rmSync(root, { recursive: true });
});

/** The keys that are reported for a change: all of them, and no other. */
async function reported(change: () => void): Promise<readonly string[]> {
  changes.length = 0;
  watch.watch('end', { files: [at('end')], directories: [] });
  change();
  writeFileSync(at('end'), '');
  // Changes are reported in their order: after this one nothing comes of those before it.
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

  test('of another name beside it is nobody’s affair', async () => {
    mkdirSync(at('web'));
    watch.watch('web', { files: [at('web/run')], directories: [] });
    expect(await reported(() => writeFileSync(at('web/log.txt'), 'more'))).toEqual([]);
  });
});

describe('a symbolic link', () => {
  test('is reported when what it leads to changes, through any number of links', async () => {
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

  test('that leads in a circle harms nobody', async () => {
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

  test('is another one when it is made again, though the inode may be the same', () => {
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

test('a flood of changes that the kernel does not keep is reported to everybody', async () => {
  mkdirSync(at('flood'));
  for (const key of ['one', 'two']) watch.watch(key, { files: [at(key)], directories: [at('flood')] });
  // More than fs.inotify.max_queued_events; the change that matters is behind them.
  for (let count = 0; count < 40_000; count++) {
    writeFileSync(at(`flood/${count % 10}`), '');
    if (count === 39_000) mkdirSync(at('two'));
  }
  await waitFor('both', () => changes.includes('one') && changes.includes('two'));
});

test('a key that is not watched any more is not reported', async () => {
  watch.watch('web', { files: [at('run')], directories: [] });
  watch.unwatch('web');
  expect(await reported(() => writeFileSync(at('run'), ''))).toEqual([]);
});
