import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  HEAD_BYTES,
  isPartial,
  isStderr,
  LineStamper,
  looksLikeRecord,
  MAX_CONTENT_BYTES,
  MAX_RECORD_BYTES,
  parseRecord,
  RECORD_OVERHEAD_BYTES,
  SECONDS_BYTES,
  STREAM_LETTER_AT,
  STREAM_LETTERS,
  TIME_BYTES,
} from '../../../src/logs/store/cri.js';
import { native } from '../../../src/process/native.js';

const TIME = '2026-11-23T03:22:11.123456789Z';
const recordOf = (stream: string, tag: string, text: string): Buffer =>
  Buffer.from(`${TIME} ${stream} ${tag} ${text}\n`);

describe('the layout of a record', () => {
  test('has its parts at the given offsets', () => {
    const [out, err] = [recordOf('stdout', 'F', 'text'), recordOf('stderr', 'P', 'text')];
    expect(TIME).toHaveLength(TIME_BYTES);
    expect(TIME.slice(0, SECONDS_BYTES)).toBe('2026-11-23T03:22:11');
    expect([out[STREAM_LETTER_AT], err[STREAM_LETTER_AT]]).toEqual([STREAM_LETTERS.stdout, STREAM_LETTERS.stderr]);
    expect([isStderr(out, 0), isStderr(err, 0), isPartial(out, 0), isPartial(err, 0)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(out.toString('latin1', HEAD_BYTES)).toBe('text\n');
    expect(out.length).toBe(RECORD_OVERHEAD_BYTES + 'text'.length);
    expect(looksLikeRecord(out, 0)).toBe(true);
    expect(looksLikeRecord(out, 1)).toBe(false);
    expect(MAX_RECORD_BYTES).toBe(RECORD_OVERHEAD_BYTES + MAX_CONTENT_BYTES);
  });

  test('is the same in C: JavaScript reads what C stamps, and C takes apart what JavaScript writes', () => {
    const stamped: Buffer[] = [];
    const stamper = new LineStamper('stderr', (buffer, length) => {
      stamped.push(Buffer.from(buffer.subarray(0, length)));
      return true;
    });
    const text = Buffer.from(`short\n${'x'.repeat(MAX_CONTENT_BYTES + 1)}\n`);
    expect(stamper.write(text, 0, text.length, TIME)).toBe(text.length);
    const records = Buffer.concat(stamped);
    const ends = [...records.keys()].filter((at) => records[at] === 10);
    const parsed = ends.map((end, index) => parseRecord(records, index === 0 ? 0 : (ends[index - 1] ?? 0) + 1, end));
    expect(parsed.map(({ time, stream, partial, content }) => [time, stream, partial, content.length])).toEqual([
      [TIME, 'stderr', false, 5],
      [TIME, 'stderr', true, MAX_CONTENT_BYTES],
      [TIME, 'stderr', false, 1],
    ]);

    const mixed = Buffer.concat([
      recordOf('stdout', 'F', 'one'),
      recordOf('stderr', 'F', 'two'),
      recordOf('stdout', 'P', '3'),
    ]);
    const out = Buffer.alloc(100);
    const result = new Int32Array(5);
    native().unstamp(mixed, 0, mixed.length, 3, out, 0, result);
    const whole = mixed.length - recordOf('stdout', 'P', '3').length;
    expect([...result]).toEqual([whole, 8, 2, recordOf('stderr', 'F', 'two').length, 1]);
    expect(out.toString('latin1', 0, 8)).toBe('one\ntwo\n');
  });

  test('has the same numbers in addon-logs.c', () => {
    const source = readFileSync(new URL('../../../src/process/addon-logs.c', import.meta.url), 'utf8');
    const defined = new Map(
      [...source.matchAll(/^#define (\w+) \(?([\d* ]+)\)?$/gm)].map(([, name, value = '']) => [
        name,
        value.split('*').reduce((product, factor) => product * Number(factor), 1),
      ]),
    );
    expect(Object.fromEntries(defined)).toEqual({
      HEAD: HEAD_BYTES,
      STREAM_LETTER: STREAM_LETTER_AT,
      TAG: STREAM_LETTER_AT + 4,
      MAX_CONTENT: MAX_CONTENT_BYTES,
    });
  });
});
