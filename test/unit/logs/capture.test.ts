import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Source } from '../../../src/logs/capture/source.js';
import type { SourceRecord } from '../../../src/logs/capture/source-record.js';
import { Sources } from '../../../src/logs/capture/sources.js';
import { Forwarder } from '../../../src/logs/forward/forwarder.js';
import type { Output } from '../../../src/logs/forward/output.js';
import { HEAD_BYTES, MAX_CONTENT_BYTES, parseRecord } from '../../../src/logs/store/cri.js';
import { FileStore, type FileStoreRecord, type LeftFiles } from '../../../src/logs/store/file-store.js';
import { BEGINNING, MemoryStore, type StreamPosition } from '../../../src/logs/store/store.js';
import type { InitLink } from '../../../src/process/init-link.js';
import { native } from '../../../src/process/native.js';
import type { LogRule, LogStore } from '../../../src/types/logs.js';
import { waitFor } from '../../helpers/wait-for.js';

const TIME = '2026-11-23T03:22:11.123456789Z';
const link = { hold: () => {}, release: () => {} } as unknown as InitLink;

let sources: Sources;
let source: Source;

beforeEach(() => {
  sources = newSources();
  const opened = sources.open('web');
  if (opened === undefined) throw new Error('no source');
  source = opened;
});
afterEach(() => sources.remove('web'));

interface Overrides {
  readonly hold?: (name: string, fd: number) => void;
  readonly record?: (name: string, record: SourceRecord) => void;
}

function newSources(held: ReadonlyMap<string, number> = new Map(), { hold, record }: Overrides = {}): Sources {
  return new Sources({
    link: hold === undefined ? link : ({ hold, release: () => {} } as unknown as InitLink),
    bootId: 'boot',
    held,
    generation: 1,
    storeBytes: 262_144,
    allStoresBytes: 1 << 26,
    directory: undefined,
    files: { bytes: 0, files: 1 },
    record: record ?? (() => {}),
    erase: () => {},
    warn: () => {},
  });
}

/** All held lines of a source, as `stdout F text`. */
function linesOf({ store }: { readonly store: LogStore }): string[] {
  const lines: string[] = [];
  const buffer = Buffer.alloc(64 * 1024);
  for (let offset = store.oldest.offset; ; ) {
    const length = store.read(offset, buffer);
    if (length === 0) return lines;
    offset += length;
    for (let start = 0; start < length; ) {
      const end = buffer.indexOf(10, start);
      const { stream, partial, content } = parseRecord(buffer, start, end);
      lines.push(`${stream} ${partial ? 'P' : 'F'} ${content.toString('latin1')}`);
      start = end + 1;
    }
  }
}

const numbered = (what: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${what} ${index}`);

const records = (stream: string, words: readonly string[]): Buffer =>
  Buffer.from(words.map((text) => `${TIME} ${stream} F ${text}\n`).join(''));

/** The texts of whole records. */
const textOf = (buffer: Buffer): string[] =>
  buffer
    .toString()
    .trimEnd()
    .split('\n')
    .map((text) => text.slice(HEAD_BYTES));

describe('capturing', () => {
  test('stores lines of both streams as records with a time', async () => {
    writeSync(source.output.stdout, 'one\ntwo\n');
    source.drain(() => {});
    writeSync(source.output.stderr, 'three\n');
    source.drain(() => {});
    expect(linesOf(source)).toEqual(['stdout F one', 'stdout F two', 'stderr F three']);
  });

  test('stores output from the instant before an exit', () => {
    // Nothing is read before the end, however long it takes.
    spawnSync('/bin/sh', ['-c', 'echo last words; printf unfinished >&2'], {
      stdio: ['ignore', source.output.stdout, source.output.stderr],
    });
    source.drain(() => {});
    expect(linesOf(source)).toEqual(['stdout F last words', 'stderr F unfinished']);
  });

  test('stores last words on standard error after the burst on standard output that precedes them', async () => {
    const child = spawn('/bin/sh', ['-c', 'seq 1 200000; echo oops >&2'], {
      stdio: ['ignore', source.output.stdout, source.output.stderr],
    });
    await once(child, 'exit');
    source.drain(() => {});
    expect(linesOf(source).slice(-3)).toEqual(['stdout F 199999', 'stdout F 200000', 'stderr F oops']);
  });

  test('lets a program open /dev/stdout and /dev/stderr, also after giving up privileges', async () => {
    const child = spawn(
      'setpriv',
      ['--reuid', '1234', '--clear-groups', 'sh', '-c', 'echo out >/dev/stdout; echo err >/dev/stderr'],
      {
        stdio: ['ignore', source.output.stdout, source.output.stderr],
      },
    );
    await once(child, 'exit');
    source.drain(() => {});
    expect(linesOf(source).sort()).toEqual(['stderr F err', 'stdout F out']);
  });

  test('keeps bytes as they are: NUL, escape sequences, bad UTF-8', () => {
    writeSync(source.output.stdout, Buffer.from('a\0b\x1b[31m\xff\xfe\n', 'latin1'));
    source.drain(() => {});
    expect(linesOf(source)).toEqual(['stdout F a\0b\x1b[31m\xff\xfe']);
  });

  test('stores a line over 16 KiB in pieces, all but the last marked as partial', () => {
    writeSync(source.output.stdout, `${'x'.repeat(2 * MAX_CONTENT_BYTES + 10)}\n`);
    source.drain(() => {});
    expect(linesOf(source).map((line) => `${line.slice(0, 8)} ${line.length - 9}`)).toEqual([
      `stdout P ${MAX_CONTENT_BYTES}`,
      `stdout P ${MAX_CONTENT_BYTES}`,
      'stdout F 10',
    ]);
  });

  test('stores an unfinished line as a piece after a while, and goes on with the line', async () => {
    writeSync(source.output.stdout, 'password: ');
    await waitFor('the piece', () => linesOf(source).length === 1);
    writeSync(source.output.stdout, 'secret\n');
    source.drain(() => {});
    expect(linesOf(source)).toEqual(['stdout P password: ', 'stdout F secret']);
  });

  test('stores a line whose end is in the pipe as one line, even if the event loop was held up', async () => {
    writeSync(source.output.stdout, 'half ');
    // The loop ends right after the read. The timers run next, and then the reads.
    do await new Promise((resolve) => setImmediate(resolve));
    while (native().readableBytes(source.output.stdout) > 0);
    writeSync(source.output.stdout, 'and half\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    await waitFor('the line', () => linesOf(source).length > 0);
    expect(linesOf(source)).toEqual(['stdout F half and half']);
  });

  test('needs no more memory than a piece for 100 MB without a line end', async () => {
    const before = process.memoryUsage().rss;
    const child = spawn('/bin/sh', ['-c', 'head -c 100000000 /dev/zero'], {
      stdio: ['ignore', source.output.stdout, 'ignore'],
    });
    await once(child, 'exit');
    source.drain(() => {});
    const { record, offset } = source.store.newest;
    expect(offset - record * (HEAD_BYTES + 1)).toBe(100_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(64e6);
  });
});

describe('the memory store', () => {
  const record = (text: string): Buffer => Buffer.from(`${TIME} stdout F ${text}\n`);

  test('keeps at least one segment and counts removed lines', () => {
    const store = new MemoryStore(native().memfd('test'), 0);
    for (let index = 0; index < 5_000; index++) {
      const line = record(`line ${index}`);
      store.append(line, line.length, 1);
    }
    expect(store.newest.record).toBe(5_000);
    const [first = ''] = linesOf({ store });
    expect(first).toBe(`stdout F line ${store.oldest.record}`);
    expect(linesOf({ store })).toHaveLength(5_000 - store.oldest.record);
  });

  test('keeps lines of standard error through any burst on standard output, and across controllers', () => {
    const fd = native().memfd('store');
    const burst = records('stdout', numbered('out', 2_000));
    const keptLines = (store: MemoryStore): string[] =>
      store.kept.flatMap(({ begin, end }) => {
        const buffer = Buffer.alloc(end.offset - begin.offset);
        expect(store.read(begin.offset, buffer)).toBe(buffer.length);
        return textOf(buffer);
      });
    let store = new MemoryStore(fd, 262_144);
    const said: string[] = [];
    for (let round = 0; round < 40; round++) {
      const words = numbered(`error ${round}`, 1 + (round % 3));
      said.push(...words);
      const error = records('stderr', words);
      store.append(error, error.length, words.length, 'stderr');
      for (let again = 0; again < 3; again++) store.append(burst, burst.length, 2_000);
      // A controller that has not seen the records appended still finds them all.
      if (round % 4 === 0) store = new MemoryStore(fd, 262_144);
      expect(keptLines(store)).toEqual(said.slice(0, keptLines(store).length));
    }
    expect(keptLines(store)).toEqual(said);
    for (const { begin, end } of store.kept) expect(end.record).toBeGreaterThan(begin.record);
    expect(store.kept.every(({ end }) => end.offset <= store.oldest.offset)).toBe(true);
  });

  test('keeps the last lines of standard error through a burst if there is not room for all', () => {
    const fd = native().memfd('store');
    const store = new MemoryStore(fd, 262_144);
    const errors = records('stderr', numbered('error', 1_000));
    store.append(errors, errors.length, 1_000, 'stderr');
    const burst = records('stdout', numbered('out', 2_000));
    for (let again = 0; again < 5; again++) store.append(burst, burst.length, 2_000);
    const [range, ...others] = store.kept;
    if (range === undefined) throw new Error('nothing is kept');
    expect(others).toEqual([]);
    const buffer = Buffer.alloc(range.end.offset - range.begin.offset);
    expect(buffer.length).toBeGreaterThan(16_000);
    store.read(range.begin.offset, buffer);
    const lines = textOf(buffer);
    expect(lines.at(-1)).toBe('error 999');
    expect(lines).toHaveLength(range.end.record - range.begin.record);
    expect(lines[0]).toBe(`error ${range.begin.record}`);
  });

  test('is unchanged for the next controller', () => {
    const fd = native().memfd('test');
    const first = new MemoryStore(fd, 0);
    for (let index = 0; index < 3_000; index++)
      first.append(record(`line ${index}`), record(`line ${index}`).length, 1);
    const second = new MemoryStore(fd, 0);
    expect([second.oldest, second.newest]).toEqual([first.oldest, first.newest]);
    expect(linesOf({ store: second })).toEqual(linesOf({ store: first }));
  });
});

const ruleOf = (rule: Partial<LogRule>): LogRule => ({
  output: undefined,
  bufferBytes: undefined,
  file: undefined,
  ...rule,
});

describe('a service with a log of its own', () => {
  test('has as much memory as its definition says', () => {
    const small = sources.open('small', ruleOf({ bufferBytes: 1 << 18 }));
    const large = sources.open('large', ruleOf({ bufferBytes: 1 << 22 }));
    expect([small?.store.reachBytes, large?.store.reachBytes]).toEqual([1 << 17, 1 << 21]);
    for (const name of ['small', 'large']) sources.remove(name);
  });

  test('has its own file, also under the next controller', () => {
    const directory = mkdtempSync('/tmp/my_init-logs-');
    const file = join(directory, 'own/web.txt');
    const recorded = new Map<string, SourceRecord>();
    const held = new Map<string, number>();
    const controller = (): Sources =>
      newSources(held, {
        // Each has its own file description: one process cannot watch the same one twice.
        hold: (name, fd) => {
          const flags = name.endsWith('.r') ? 'r' : name.endsWith('.w') ? 'w' : 'r+';
          held.set(name, openSync(`/proc/self/fd/${fd}`, flags));
        },
        record: (name, record) => recorded.set(name, record),
      });
    const say = (own: Source | undefined, text: string): void => {
      if (own === undefined) throw new Error('no source');
      writeSync(own.output.stdout, `${text}\n`);
      own.drain(() => {});
    };
    say(controller().open('own', ruleOf({ file })), 'one');
    const next = controller();
    const record = recorded.get('own');
    if (record !== undefined) next.restore('own', record);
    say(next.get('own'), 'two');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => line.slice(HEAD_BYTES))).toEqual(['one', 'two']);
    rmSync(directory, { recursive: true });
  });
});

describe('the file store', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync('/tmp/my_init-logs-');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const on = { appended: () => {}, rotated: () => {} };
  const append = (store: FileStore, from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      const line = Buffer.from(`${TIME} stdout F line ${index}\n`);
      store.append(line, line.length, 1);
    }
  };

  test('rotates files by size, and keeps no more than allowed', () => {
    const store = new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, undefined, on);
    append(store, 0, 20_000);
    const [first = ''] = linesOf({ store });
    expect(store.oldest.record).toBeGreaterThan(0);
    expect(first).toBe(`stdout F line ${store.oldest.record}`);
    expect(linesOf({ store })).toHaveLength(20_000 - store.oldest.record);
    expect(readFileSync(join(directory, 'web.log'), 'utf8').split('\n').at(-2)).toBe(`${TIME} stdout F line 19999`);
    expect(() => readFileSync(join(directory, 'web.log.3'))).toThrow('ENOENT');
  });

  test('rotates away the file of an earlier boot', () => {
    writeFileSync(join(directory, 'web.log'), 'of yesterday\n');
    new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, undefined, on);
    expect(readFileSync(join(directory, 'web.log.1'), 'utf8')).toBe('of yesterday\n');
  });

  test('goes on with the same files under the next controller, whatever end was noted', () => {
    let left = { inode: 0, bases: [] } as Omit<LeftFiles, 'end'>;
    const ends: StreamPosition[] = [];
    const first = new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, undefined, {
      ...on,
      appended: (end) => void ends.push(end),
      rotated: (record) => {
        left = record;
      },
    });
    append(first, 0, 5_000);
    for (const end of [ends[0], ends.at(-100), ends.at(-1)] as StreamPosition[]) {
      const second = new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, { ...left, end }, on);
      expect([second.oldest, second.newest]).toEqual([first.oldest, first.newest]);
      second.close();
    }
  });

  test('goes on with a file that somebody has truncated, and uses no position in it twice', () => {
    let left = { inode: 0, bases: [], end: BEGINNING } as LeftFiles;
    const noting = {
      ...on,
      appended: (end: StreamPosition) => {
        left = { ...left, end };
      },
      rotated: (record: FileStoreRecord) => {
        left = { ...record, end: left.end };
      },
    };
    const log = join(directory, 'web.log');
    const next = (): FileStore => new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, left, noting);
    const store = new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, undefined, noting);
    const says = (what: FileStore, from: number): void => {
      append(what, from, from + 10);
      const lines = Array.from({ length: 10 }, (_, index) => `stdout F line ${from + index}`);
      expect({ lines: linesOf({ store: what }).slice(-10), end: what.newest.record }).toEqual({
        lines,
        end: from + 10,
      });
    };
    append(store, 0, 3_000);
    truncateSync(log, 0);
    says(store, 3_000);
    expect(store.oldest.record).toBe(3_000);
    // Half of a line remains.
    truncateSync(log, 70);
    says(store, 3_010);
    expect(linesOf({ store })).toHaveLength(11);
    expect(linesOf({ store: next() })).toEqual(linesOf({ store }));
    // Truncated while there is no controller.
    truncateSync(log, 10);
    says(next(), 3_020);
    rmSync(log);
    says(next(), 3_030);
  });

  test('replaces a removed file at the time of the next rotation', () => {
    const store = new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, undefined, on);
    append(store, 0, 100);
    rmSync(join(directory, 'web.log'));
    append(store, 100, 20_000);
    expect(readdirSync(directory).sort()).toEqual(['web.log', 'web.log.1', 'web.log.2']);
    expect(linesOf({ store }).at(-1)).toBe('stdout F line 19999');
  });

  test('does not let a file that cannot be rotated exceed its size', () => {
    const store = new FileStore(join(directory, 'web.log'), { bytes: 0, files: 3 }, undefined, on);
    // No file can be renamed to a directory that is not empty.
    mkdirSync(join(directory, 'web.log.1/full'), { recursive: true });
    mkdirSync(join(directory, 'web.log.2/full'), { recursive: true });
    append(store, 0, 20_000);
    expect(statSync(join(directory, 'web.log')).size).toBeLessThan(70_000);
    expect(store.newest.record).toBe(20_000);
    expect(linesOf({ store })).toHaveLength(20_000 - store.oldest.record);
    expect(linesOf({ store }).at(-1)).toBe('stdout F line 19999');
  });
});

describe('forwarding', () => {
  /** An output that accepts data when `ready` says so. */
  class FakeOutput implements Output {
    readonly identity = 'fake';
    text = '';
    stalled = false;
    #done: (() => void) | undefined;
    pendingBytes(): number {
      return this.#done === undefined ? 0 : 1;
    }
    write(buffer: Buffer, length: number, done: () => void): boolean {
      this.text += buffer.toString('latin1', 0, length);
      if (this.stalled) this.#done = done;
      else setImmediate(done);
      return false;
    }
    go(): void {
      this.stalled = false;
      const done = this.#done;
      this.#done = undefined;
      done?.();
    }
  }

  test('raw is the text as written, whole lines of one source after the other', async () => {
    const output = new FakeOutput();
    const forwarder = new Forwarder(sources, output, undefined, 'raw');
    writeSync(source.output.stdout, 'one\n');
    source.drain(() => {});
    writeSync(source.output.stderr, 'two\n');
    source.drain(() => {});
    await forwarder.flushed();
    expect(output.text).toBe('one\ntwo\n');
  });

  test('prefix names the source', async () => {
    const output = new FakeOutput();
    const forwarder = new Forwarder(sources, output, 'stdout', 'prefix');
    writeSync(source.output.stdout, 'one\n');
    writeSync(source.output.stderr, 'not on this output\n');
    source.drain(() => {});
    await forwarder.flushed();
    expect(output.text).toBe('web | one\n');
  });

  test('a service may have its own mode, and change it', async () => {
    const output = new FakeOutput();
    const forwarder = new Forwarder(sources, output, undefined, 'raw');
    const say = async (text: string): Promise<void> => {
      for (const name of ['plain', 'own']) {
        writeSync(sources.get(name)?.output.stdout ?? -1, `${text}\n`);
        sources.drain(name, () => {});
      }
      await forwarder.flushed();
    };
    sources.open('plain');
    for (const mode of ['prefix', 'none', 'json', undefined] as const) {
      sources.open('own', ruleOf({ output: mode }));
      await say(`in ${mode}`);
    }
    expect(output.text.trimEnd().split('\n').sort()).toEqual([
      ...['in json', 'in none', 'in prefix', 'in undefined', 'in undefined'],
      'own | in prefix',
      expect.stringMatching(/"service":"own","stream":"stdout","text":"in json"/),
    ]);
    for (const name of ['plain', 'own']) sources.remove(name);
  });

  test('json has one object per line', async () => {
    const output = new FakeOutput();
    const forwarder = new Forwarder(sources, output, 'stdout', 'json');
    writeSync(source.output.stdout, 'say "hi"\n\xff\n', null, 'latin1');
    source.drain(() => {});
    await forwarder.flushed();
    const common = { time: expect.stringMatching(/^\d{4}-.*Z$/), service: 'web', stream: 'stdout' };
    const objects = output.text.trimEnd().split('\n');
    expect(objects.map((line) => JSON.parse(line))).toEqual([
      { ...common, text: 'say "hi"' },
      { ...common, text: expect.any(String), bytes: '/w==' },
    ]);
  });

  test('while nobody reads, services go on; afterwards a gap counts exactly what is missing', async () => {
    const output = new FakeOutput();
    output.stalled = true;
    const forwarder = new Forwarder(sources, output, 'stdout', 'raw');
    const lines = 20_000;
    const child = spawn('stdbuf', ['-oL', 'seq', '1', String(lines)], {
      stdio: ['ignore', source.output.stdout, 'ignore'],
    });
    await once(child, 'exit');
    await new Promise<void>((resolve) => source.drain(resolve));
    output.go();
    await forwarder.flushed();
    const gap = /^\*\*\* web: (\d+) lines \((\d+) bytes\) were lost here/m.exec(output.text);
    const told = output.text.split('\n').filter((line) => /^\d+$/.test(line));
    expect(told.length + Number(gap?.[1])).toBe(lines);
    const bytesOfAll = Array.from({ length: lines }, (_, index) => String(index + 1).length).reduce((a, b) => a + b, 0);
    expect(told.join('').length + Number(gap?.[2])).toBe(bytesOfAll);
    expect(told.at(-1)).toBe(String(lines));
  });

  test('a gap counts the output of more removed services than are remembered while nobody read', async () => {
    const output = new FakeOutput();
    output.stalled = true;
    const forwarder = new Forwarder(sources, output, 'stdout', 'raw');
    const names = Array.from({ length: 30 }, (_, index) => `gone${index}`);
    for (const name of names) {
      const gone = sources.open(name);
      if (gone === undefined) throw new Error('no source');
      writeSync(gone.output.stdout, `${name}\n`);
      gone.drain(() => {});
    }
    for (const name of names) sources.remove(name);
    output.go();
    await forwarder.flushed();
    const told = output.text.split('\n').filter((line) => line.startsWith('gone'));
    const [, lines, bytes] =
      /^\*\*\* removed services: (\d+) lines \((\d+) bytes\) were lost here/m.exec(output.text) ?? [];
    expect(told.length + Number(lines)).toBe(names.length);
    expect(told.join('').length + Number(bytes)).toBe(names.join('').length);
  });

  test('a reader who keeps up loses nothing, however fast the writer', async () => {
    const output = new FakeOutput();
    const forwarder = new Forwarder(sources, output, 'stdout', 'raw');
    const child = spawn('/bin/sh', ['-c', 'seq 1 300000'], { stdio: ['ignore', source.output.stdout, 'ignore'] });
    await once(child, 'exit');
    // A drain would not wait long enough.
    await waitFor('the last line', () => output.text.endsWith('\n300000\n'));
    await forwarder.flushed();
    expect(source.counters.missed).toBe(0);
    expect(output.text.trimEnd().split('\n')).toHaveLength(300_000);
  });
});
