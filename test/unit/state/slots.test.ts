import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SLOTS_VERSION, Slots } from '../../../src/state/slots.js';
import { initialMachine } from '../../../src/supervisor/machine.js';
import { readRecord } from '../../../src/supervisor/service-record.js';

const PATH = `/tmp/my_init-slots-${process.pid}`;
const SLOT_BYTES = 4_096;

let fd: number;
beforeEach(() => {
  fd = openSync(PATH, 'w+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(PATH);
});

/** What the next controller finds. */
const load = () => Object.fromEntries(new Slots(fd).load());
const filled = (...keys: readonly string[]): Slots => {
  const slots = new Slots(fd);
  for (const key of keys) slots.write(key, { is: key });
  return slots;
};

describe('slots', () => {
  test('are found again, the latest of each, and what was erased is not', () => {
    const slots = filled('a', 'b', 'c');
    slots.write('b', 'anew');
    slots.erase('a');
    expect(load()).toEqual({ b: 'anew', c: { is: 'c' } });
  });

  test('that were erased are used again: their number does not grow', () => {
    const slots = filled('a', 'b');
    for (let i = 0; i < 1_000; i++) {
      slots.write(`service/${i}`, i);
      slots.erase(`service/${i}`);
    }
    const next = new Slots(fd);
    next.load();
    next.write('c', 1);
    next.write('d', 1);
    expect(load()).toEqual({ a: { is: 'a' }, b: { is: 'b' }, c: 1, d: 1 });
    expect(readSync(fd, Buffer.alloc(1), 0, 1, 4 * SLOT_BYTES)).toBe(0);
  });

  test.each([
    ['a byte of its content is another one', 20, 'X'],
    ['its length is wrong', 4, '\xff\xff'],
    ['its checksum is wrong', 8, '\0\0\0\0'],
    ['it was not written to its end', 14, '\0'.repeat(60)],
    ['it is of another version', 3, String(SLOTS_VERSION + 1)],
    ['it is something else', 0, 'not a slot at all'],
  ])('are skipped one by one: %s', (_, offset, bytes) => {
    filled('a', 'b', 'c');
    writeSync(fd, Buffer.from(bytes, 'latin1'), 0, bytes.length, SLOT_BYTES + offset);
    expect(load()).toEqual({ a: { is: 'a' }, c: { is: 'c' } });
    const slots = new Slots(fd);
    slots.load();
    slots.write('d', 'in its place');
    expect(load()).toEqual({ a: { is: 'a' }, d: 'in its place', c: { is: 'c' } });
  });

  test('do not take what is too large, and do not keep what was true before', () => {
    const slots = filled('a');
    expect(slots.write('a', 'x'.repeat(SLOT_BYTES))).toBe(false);
    expect(load()).toEqual({});
  });
});

describe('the record of a service', () => {
  const machine = { ...initialMachine(true, 5), state: 'up', pid: 77, run: 3 } as const;
  const record = { name: 'web', directory: '/etc/service/web', autostart: true, machine, finishPid: 0 };

  test('is what it was', () => {
    expect(readRecord(JSON.parse(JSON.stringify(record)))).toMatchObject({ name: 'web', machine: { pid: 77, run: 3 } });
  });

  test('of a newer version is read as far as this one knows it', () => {
    const newer = { ...record, color: 'blue', machine: { ...machine, mood: 'good' } };
    expect(readRecord(newer)).toMatchObject({ name: 'web', machine: { state: 'up', pid: 77 } });
  });

  test('of an older version has what it lacks as at the beginning', () => {
    const { told: _told, counters, ...older } = machine;
    const { kills: _kills, exits: _exits, ...fewer } = counters;
    expect(readRecord({ ...record, machine: { ...older, counters: fewer } })).toMatchObject({
      machine: { state: 'up', pid: 77, counters: { kills: 0, exits: { lost: 0 } } },
    });
  });

  test.each([
    [77, 'up'],
    [0, 'down'],
  ])('in a state that this version does not know, with the process %i, is %s', (pid, state) => {
    const odd = { ...record, machine: { ...machine, state: 'waiting', pid, timerAtMs: 9 } };
    expect(readRecord(odd)).toMatchObject({ machine: { state, pid, timerAtMs: undefined } });
  });

  test('with words that this version does not know has those of the beginning, and what can be said of an exit', () => {
    const cause = { kind: 'dream' };
    const lastExit = { run: 2, status: { kind: 'evaporated' }, atMs: 3, durationMs: 1, expected: false };
    const ended = { session: 5, status: { kind: 'exited', code: 3 }, next: 'someday' };
    const odd = {
      ...record,
      machine: { ...machine, cause, told: cause, desired: 'for now', restartReason: 'mood', lastExit, ended },
    };
    expect(readRecord(odd)?.machine).toMatchObject({
      cause: { kind: 'scan' },
      told: undefined,
      desired: 'up',
      restartReason: undefined,
      lastExit: { run: 2, status: { kind: 'lost' } },
      ended: { session: 5, status: { kind: 'exited', code: 3 }, next: 'start' },
    });
  });

  test.each([undefined, null, 7, 'web', {}, { name: '../x', directory: '/' }, { name: 'web' }])(
    'is none: %j',
    (value) => {
      expect(readRecord(value)).toBeUndefined();
    },
  );
});
