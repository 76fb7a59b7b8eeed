import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CursorError, decodeCursor, encodeCursor } from '../../../src/logs/read/cursor.js';
import { LogReader, type ReadOptions } from '../../../src/logs/read/reader.js';
import { parseRecord } from '../../../src/logs/store/cri.js';
import { FakeLogs, FIRST_MS } from '../../helpers/fake-logs.js';

let logs: FakeLogs;
beforeEach(() => {
  logs = new FakeLogs();
});
afterEach(() => logs.close());

/**
 * Everything up to the next pause, as words: `web:text`, `gap web 3 lines 12 bytes`, `web started
 * 1`, `caught up`.
 */
function readOn(reader: LogReader, room = Number.POSITIVE_INFINITY): string[] {
  const told: string[] = [];
  let left = room;
  const sink = {
    put: (name: string, buffer: Buffer, start: number, end: number) => {
      told.push(`${name}:${parseRecord(buffer, start, end).content}`);
      left--;
      return left > 0;
    },
  };
  while (left > 0) {
    const turn = reader.next(sink);
    switch (turn.kind) {
      case 'gap':
        told.push(`gap ${turn.name} ${turn.loss.lines} lines ${turn.loss.bytes} bytes`);
        break;
      case 'marker':
        told.push(`${turn.name} ${turn.marker.kind} ${turn.marker.run}`);
        break;
      case 'caught_up':
        told.push('caught up');
        break;
      case 'lines':
      case 'busy':
        break;
      case 'idle':
      case 'end':
        return told;
      default:
        turn satisfies never;
    }
  }
  return told;
}

const readerOf = (options: Partial<ReadOptions> = {}) =>
  new LogReader(logs, { selected: () => true, follow: false, ...options });

const reading = (options: Partial<ReadOptions> = {}) => readOn(readerOf(options));

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index));

describe('a reader', () => {
  test('gets all held lines, then ends', () => {
    logs.of('web').line('one');
    logs.of('web').line('two', { stream: 'stderr' });
    expect(reading()).toEqual(['web:one', 'web:two', 'caught up']);
  });

  test('of an empty log is caught up at once', () => {
    logs.of('web');
    expect(reading()).toEqual(['caught up']);
    expect(reading({ tail: 5, grep: 'x' })).toEqual(['caught up']);
  });

  test('merges several sources by their times', () => {
    for (const text of ['1', '2']) for (const name of ['b', 'a', 'c']) logs.of(name).line(text);
    expect(reading()).toEqual(['b:1', 'a:1', 'c:1', 'b:2', 'a:2', 'c:2', 'caught up']);
  });

  test('merges more sources than can be held in memory at once', () => {
    const names = numbered(100, 150).map((number) => `s${number}`);
    const expected: string[] = [];
    for (let round = 0; round < 20; round++)
      for (const name of names) {
        const text = String(round).repeat(200);
        logs.of(name).line(text);
        expected.push(`${name}:${text}`);
      }
    expect(reading()).toEqual([...expected, 'caught up']);
  });

  test('ends with the lines that were there when it began', () => {
    logs.of('web').line('before');
    const reader = readerOf();
    logs.of('web').line('after');
    logs.of('late').line('never meant');
    expect(readOn(reader)).toEqual(['web:before', 'caught up']);
  });

  test('gets the selected sources', () => {
    for (const name of ['a', 'b']) logs.of(name).line('x');
    expect(reading({ selected: (name) => name === 'b' })).toEqual(['b:x', 'caught up']);
  });

  test.each([true, false])('gets the lines of standard error that outlived the others, and the gaps', (marked) => {
    const web = logs.of('web');
    web.mark('started', 1);
    web.line('early', { stream: 'stderr' });
    if (marked) web.mark('ready', 1);
    for (let from = 1; from < 20_000; from += 500) web.lines(numbered(10_000 + from, 10_500 + from));
    const { oldest, newest } = web.store;
    const rest = numbered(10_000 + oldest.record, 10_000 + newest.record).map((number) => `web:${number}`);
    const gap = `gap web ${oldest.record - 1} lines ${5 * (oldest.record - 1)} bytes`;
    const first = ['web started 1', 'web:early', gap, ...(marked ? ['web ready 1'] : [])];
    expect(reading()).toEqual([...first, ...rest, 'caught up']);
    expect(reading({ stream: 'stderr' })).toEqual([...first, 'caught up']);
    expect(reading({ tail: 2 })).toEqual([...rest.slice(-2), 'caught up']);
    expect(reading({ stream: 'stderr', tail: 2 })).toContain('web:early');
  });

  test('gets one stream', () => {
    logs.of('web').line('out');
    logs.of('web').line('err', { stream: 'stderr' });
    expect(reading({ stream: 'stderr' })).toEqual(['web:err', 'caught up']);
    expect(reading({ stream: 'stdout' })).toEqual(['web:out', 'caught up']);
  });

  test('gets the lines from one time on and before another', () => {
    for (const ms of [0, 10, 20, 30]) logs.of('web').line(String(ms), { atMs: FIRST_MS + ms });
    expect(reading({ sinceMs: FIRST_MS + 10, untilMs: FIRST_MS + 30 })).toEqual(['web:10', 'web:20', 'caught up']);
  });

  test('gets matching lines', () => {
    for (const text of ['GET / 200', 'GET /x 502', 'POST / 200']) logs.of('web').line(text);
    expect(reading({ grep: ' 5\\d\\d$' })).toEqual(['web:GET /x 502', 'caught up']);
    // The pattern is matched with the text only, not with the time before it.
    expect(reading({ grep: '2026' })).toEqual(['caught up']);
  });
});

describe('a tail', () => {
  test('contains the last lines of each source', () => {
    for (const text of numbered(0, 5)) for (const name of ['a', 'b']) logs.of(name).line(text);
    expect(reading({ tail: 2 })).toEqual(['a:3', 'b:3', 'a:4', 'b:4', 'caught up']);
    expect(reading({ tail: 0 })).toEqual(['caught up']);
    expect(reading({ tail: 99 })).toHaveLength(11);
  });

  test('counts the lines that pass the filters', () => {
    for (const number of numbered(0, 100))
      logs.of('web').line(number, { stream: Number(number) % 2 ? 'stderr' : 'stdout' });
    expect(reading({ tail: 2, stream: 'stderr' })).toEqual(['web:97', 'web:99', 'caught up']);
    expect(reading({ tail: 3, grep: '^.5$' })).toEqual(['web:75', 'web:85', 'web:95', 'caught up']);
  });

  test('is found across segments', () => {
    logs.of('web').lines(numbered(0, 4000));
    logs.of('web').lines(numbered(4000, 6000));
    const { oldest } = logs.of('web').store;
    expect(oldest.record).toBeGreaterThan(0);
    const told = reading({ tail: 2500 });
    const held = 6000 - oldest.record;
    expect(told).toEqual([
      ...numbered(6000 - Math.min(2500, held), 6000).map((number) => `web:${number}`),
      'caught up',
    ]);
  });

  test('of 0 follows new lines only', () => {
    logs.of('web').mark('started', 1);
    logs.of('web').line('old');
    logs.of('web').mark('ready', 1);
    const reader = readerOf({ tail: 0, follow: true });
    expect(readOn(reader)).toEqual(['caught up']);
    logs.of('web').line('new');
    expect(readOn(reader)).toEqual(['web:new']);
  });

  test('contains what is left when the writer overtakes it', () => {
    logs.of('web').lines(numbered(0, 1000));
    const reader = readerOf({ tail: 10, grep: '.', follow: true });
    for (let round = 0; round < 4; round++) logs.of('web').lines(numbered(0, 2500));
    expect(readOn(reader).at(-1)).toBe('web:2499');
  });
});

describe('markers', () => {
  beforeEach(() => {
    const web = logs.of('web');
    web.mark('started', 1);
    web.line('first run');
    web.mark('exited', 1, { kind: 'exited', code: 1 });
    web.line('finish of the first');
    web.mark('started', 2);
    web.line('second run');
    web.mark('ready', 2);
    web.line('is ready');
  });

  test('stand where they happened', () => {
    expect(reading()).toEqual([
      'web started 1',
      'web:first run',
      'web exited 1',
      'web:finish of the first',
      'web started 2',
      'web:second run',
      'web ready 2',
      'web:is ready',
      'caught up',
    ]);
  });

  test('say which lines are of the current run', () => {
    expect(reading({ run: 'current' })).toEqual([
      'web started 2',
      'web:second run',
      'web ready 2',
      'web:is ready',
      'caught up',
    ]);
    expect(reading({ run: 'current', tail: 1 })).toEqual(['web ready 2', 'web:is ready', 'caught up']);
  });

  test('say which lines are of the previous run', () => {
    expect(reading({ run: 'previous' })).toEqual([
      'web started 1',
      'web:first run',
      'web exited 1',
      'web:finish of the first',
      'caught up',
    ]);
    expect(reading({ run: 'previous', tail: 1 })).toEqual(['web exited 1', 'web:finish of the first', 'caught up']);
  });

  test('of a crash loop without output come once each', () => {
    const mute = logs.of('mute');
    for (const run of [1, 2]) {
      mute.mark('started', run);
      mute.mark('exited', run, { kind: 'signaled', signal: 9, coreDumped: false });
    }
    const reader = readerOf({ selected: (name) => name === 'mute', follow: true });
    const all = ['mute started 1', 'mute exited 1', 'mute started 2', 'mute exited 2'];
    expect(readOn(reader)).toEqual([...all, 'caught up']);
    expect(reading({ selected: (name) => name === 'mute', run: 'previous' })).toEqual([
      ...all.slice(0, 2),
      'caught up',
    ]);
    const cursors = reader.changedCursors();
    mute.mark('started', 3);
    expect(readOn(reader)).toEqual(['mute started 3']);
    expect(reading({ selected: (name) => name === 'mute', cursors })).toEqual(['mute started 3', 'caught up']);
  });

  test('without an earlier run there is no previous one; a source without runs is all current', () => {
    logs.of('my_init').line('booted');
    expect(reading({ selected: (name) => name === 'my_init', run: 'previous' })).toEqual(['caught up']);
    expect(reading({ selected: (name) => name === 'my_init', run: 'current' })).toEqual([
      'my_init:booted',
      'caught up',
    ]);
  });
});

describe('a follower', () => {
  test('gets new lines, also of sources that come and go', () => {
    logs.of('web').line('old');
    const reader = readerOf({ follow: true });
    let news = 0;
    reader.subscribe(() => news++);
    expect(readOn(reader)).toEqual(['web:old', 'caught up']);
    logs.of('web').line('new');
    expect(news).toBe(1);
    expect(readOn(reader)).toEqual(['web:new']);
    logs.of('late').line('hello');
    logs.of('web').line('last');
    logs.remove('web');
    expect(readOn(reader)).toEqual(['late:hello', 'web:last']);
    expect(readOn(reader)).toEqual([]);
    logs.of('web').line('another web');
    expect(readOn(reader)).toEqual(['web:another web']);
    reader.close();
    expect(logs.subscribers + logs.list().reduce((sum, { subscribers }) => sum + subscribers, 0)).toBe(0);
  });

  test('gets a gap when it falls out of the store', () => {
    const web = logs.of('web');
    const reader = readerOf({ follow: true });
    expect(readOn(reader)).toEqual(['caught up']);
    web.lines(numbered(1000, 4000));
    web.lines(numbered(4000, 7000));
    const { oldest } = web.store;
    expect(oldest.record).toBeGreaterThan(0);
    expect(readOn(reader)).toEqual([
      `gap web ${oldest.record} lines ${4 * oldest.record} bytes`,
      ...numbered(1000 + oldest.record, 7000).map((number) => `web:${number}`),
    ]);
  });

  test('gets a gap for lines that were never stored', () => {
    const web = logs.of('web');
    const reader = readerOf({ follow: true });
    readOn(reader);
    web.dropped = { lines: 3, bytes: 30 };
    web.tell();
    expect(readOn(reader)).toEqual(['gap web 3 lines 30 bytes']);
    expect(readOn(reader)).toEqual([]);
  });

  test('gets a gap for lines that cannot be read', () => {
    const web = logs.of('web');
    const reader = readerOf({ follow: true });
    readOn(reader);
    web.line('lost');
    web.store.read = () => 0;
    expect(readOn(reader)).toEqual(['gap web 1 lines 4 bytes']);
  });
});

describe('a cursor', () => {
  test('leads a new reader to the position of the last one', () => {
    for (const text of ['1', '2', '3']) for (const name of ['a', 'b']) logs.of(name).line(text);
    const first = readerOf();
    expect(readOn(first, 3)).toEqual(['a:1', 'b:1', 'a:2']);
    const cursors = first.changedCursors();
    logs.of('new').line('x');
    expect(reading({ cursors })).toEqual(['b:2', 'a:3', 'b:3', 'new:x', 'caught up']);
  });

  test('is given only for sources that moved', () => {
    for (const name of ['a', 'b']) logs.of(name).line('1');
    const reader = readerOf({ follow: true });
    readOn(reader);
    expect([...reader.changedCursors().keys()]).toEqual(['a', 'b']);
    logs.of('b').line('2');
    readOn(reader);
    expect([...reader.changedCursors().keys()]).toEqual(['b']);
    expect(reader.changedCursors().size).toBe(0);
  });

  test('shows what was lost while nobody read, also what was never stored', () => {
    const web = logs.of('web');
    web.line('1');
    const first = readerOf();
    readOn(first);
    const cursors = first.changedCursors();
    web.lines(numbered(1000, 4000));
    web.lines(numbered(4000, 7000));
    web.dropped = { lines: 2, bytes: 5 };
    const lost = web.store.oldest.record - 1;
    expect(reading({ cursors })[0]).toBe(`gap web ${lost + 2} lines ${lost * 4 + 5} bytes`);
  });

  test('is useless for a service that was removed and came back: all is read', () => {
    for (const text of ['1', '2']) logs.of('web').line(text);
    const first = readerOf();
    readOn(first);
    const cursors = first.changedCursors();
    logs.remove('web');
    for (const text of ['3', '4', '5']) logs.of('web').line(text);
    expect(reading({ cursors })).toEqual(['web:3', 'web:4', 'web:5', 'caught up']);
  });

  test('of another boot, or no cursor at all, is refused', () => {
    logs.of('web').line('12345');
    const place = { log: 1, position: { offset: 0, record: 0 }, toldMarker: -1, dropped: { lines: 0, bytes: 0 } };
    const cursors = (text: string) => ({ cursors: new Map([['web', text]]) });
    expect(() => readerOf(cursors(encodeCursor('other-boot', place)))).toThrow(
      expect.objectContaining({ kind: 'boot' }),
    );
    for (const text of [
      '',
      'x',
      '1.0.0.0.0@fake-boot',
      '1.-1.0.0.0.0@fake-boot',
      '1.2.0.0.0.0@fake-boot',
      '1.0.1.0.0.0@fake-boot',
    ])
      expect(() => readerOf(cursors(text))).toThrow(CursorError);
  });

  test('survives being written down', () => {
    const place = {
      log: 3,
      position: { offset: 2 ** 45, record: 2 ** 40 },
      toldMarker: 77,
      dropped: { lines: 1, bytes: 2 },
    };
    expect(decodeCursor(encodeCursor('a-boot.id@1', place), 'a-boot.id@1')).toEqual(place);
  });
});

test('for any writes and any way of reading, lines and gaps account for every record, in order', () => {
  const append = fc.record({
    what: fc.constant('append' as const),
    source: fc.nat(2),
    stream: fc.constantFrom('stdout' as const, 'stdout' as const, 'stderr' as const),
    lines: fc.nat(400),
    bytes: fc.nat(300),
  });
  const read = fc.record({
    what: fc.constant('read' as const),
    reader: fc.nat(2),
    lines: fc.integer({ min: 1, max: 900 }),
  });
  const mark = fc.record({ what: fc.constant('mark' as const), source: fc.nat(2) });
  const resume = fc.record({ what: fc.constant('resume' as const), reader: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(fc.oneof(append, append, read, read, mark, resume), { maxLength: 80 }), (steps) => {
      const own = new FakeLogs('boot', 1);
      const names = ['a', 'b', 'c'];
      for (const name of names) own.of(name);
      const written = names.map(() => ({ lines: 0, bytes: 0, runs: 0 }));
      const newReader = (cursors: ReadonlyMap<string, string>) =>
        new LogReader(own, { selected: () => true, follow: true, cursors });
      const readers = names
        .map(() => newReader(new Map()))
        .map((reader) => ({
          reader,
          cursors: new Map(reader.changedCursors()),
          next: new Map(names.map((name) => [name, { lines: 0, bytes: 0, runs: 0 }])),
        }));
      const check = (index: number, lines: number) => {
        const state = readers[index];
        if (state === undefined) return;
        for (const words of readOn(state.reader, lines)) {
          const [, gap, gapLines, gapBytes, name = gap, line, marker, run] =
            /^(?:gap (\w) (\d+) lines (\d+) bytes|(\w):(\d+)\.*|(\w) started (\d+)|caught up)$/.exec(words) ?? [];
          const seen = state.next.get(name ?? marker ?? '');
          if (seen === undefined) {
            expect(words).toBe('caught up');
          } else if (gap !== undefined) {
            seen.lines += Number(gapLines);
            seen.bytes += Number(gapBytes);
          } else if (marker !== undefined) {
            expect(Number(run)).toBe(++seen.runs);
          } else {
            expect(Number(line)).toBe(seen.lines++);
            seen.bytes += words.length - 2;
          }
        }
        for (const [name, cursor] of state.reader.changedCursors()) state.cursors.set(name, cursor);
      };
      for (const step of steps) {
        switch (step.what) {
          case 'append': {
            const { [step.source]: counts } = written;
            const source = own.of(names[step.source] ?? '');
            if (counts === undefined || step.lines === 0) break;
            const texts = numbered(counts.lines, counts.lines + step.lines).map((text) => text.padEnd(step.bytes, '.'));
            source.lines(texts, step.stream);
            counts.lines += step.lines;
            counts.bytes += texts.reduce((sum, text) => sum + text.length, 0);
            break;
          }
          case 'mark': {
            const { [step.source]: counts } = written;
            if (counts !== undefined) own.of(names[step.source] ?? '').mark('started', ++counts.runs);
            break;
          }
          case 'read':
            check(step.reader, step.lines);
            break;
          case 'resume': {
            const state = readers[step.reader];
            if (state !== undefined) state.reader = newReader(state.cursors);
            break;
          }
          default:
            step satisfies never;
        }
      }
      for (const [index, { next }] of readers.entries()) {
        check(index, Number.POSITIVE_INFINITY);
        for (const [place, name] of names.entries()) expect(next.get(name)).toEqual(written[place]);
      }
      own.close();
    }),
    { numRuns: 150 },
  );
});
