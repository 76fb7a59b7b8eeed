import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SLOTS_VERSION, Slots } from '../../../src/state/slots.js';
import { readRecord, writeRecord } from '../../../src/supervisor/service-record.js';

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

/** The records that the next controller finds. */
const load = () => Object.fromEntries(new Slots(fd).load());
const filled = (...keys: readonly string[]): Slots => {
  const slots = new Slots(fd);
  for (const key of keys) slots.write(key, { is: key });
  return slots;
};

describe('slots', () => {
  test('are found again, the latest of each, without erased ones', () => {
    const slots = filled('a', 'b', 'c');
    slots.write('b', 'anew');
    slots.erase('a');
    expect(load()).toEqual({ b: 'anew', c: { is: 'c' } });
  });

  test('are reused after they were erased: their number does not grow', () => {
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

  test('refuse a record that is too large, and do not keep the old one', () => {
    const slots = filled('a');
    expect(slots.write('a', 'x'.repeat(SLOT_BYTES))).toBe(false);
    expect(load()).toEqual({});
  });
});

/** A machine as the last version wrote it in which all states had the same fields. */
const MACHINE = {
  state: 'up',
  desired: 'up',
  stateSinceMs: 5,
  cause: { kind: 'boot' },
  trouble: '',
  pid: 77,
  run: 3,
  startedAtMs: 4,
  paused: false,
  termed: false,
  killed: false,
  changed: false,
  consecutiveFailures: 0,
  removed: false,
  leaving: false,
  halted: false,
  counters: { starts: 3, startFailures: 0, restarts: { exit: 2 }, exits: { failure: 2 }, kills: 0 },
};
const RECORD = { name: 'web', directory: '/etc/service/web', autostart: true, machine: MACHINE, finishPid: 0 };
const machineIn = (machine: object, finishPid = 0) =>
  readRecord(JSON.parse(JSON.stringify({ ...RECORD, finishPid, machine: { ...MACHINE, ...machine } })))?.machine;

describe('the record of a service', () => {
  test.each([
    ['up', {}, { state: 'up', ready: true, run: { stage: 'process', pid: 77 } }],
    ['starting, without a process', { state: 'starting', pid: 0 }, { state: 'starting', run: { stage: 'prepare' } }],
    ['stopping', { state: 'stopping', termed: true, leaving: true }, { run: { termSent: true }, releasing: true }],
    [
      'cleared up',
      { state: 'finishing', pid: 0, ended: { session: 77, status: { kind: 'lost' }, next: 'backoff' } },
      { ended: { next: 'backoff', stage: { name: 'sweep' } } },
    ],
    ['in backoff', { state: 'backoff', pid: 0, timerAtMs: 9 }, { state: 'backoff', timerAtMs: 9 }],
  ])('of the version before this one is read: %s', (_what, before, now) => {
    expect(machineIn(before)).toMatchObject({ runNumber: 3, desired: 'up', ...now });
  });

  test('of the version before this one includes the process of finish', () => {
    const ended = { session: 77, status: { kind: 'exited', code: 0 }, next: 'start' };
    const machine = machineIn({ state: 'finishing', pid: 0, ended }, 88);
    expect(machine).toMatchObject({ ended: { stage: { name: 'finish', pid: 88 } } });
  });

  test('is unchanged, in the names that every version reads', () => {
    const record = readRecord(RECORD);
    const written = record && JSON.parse(JSON.stringify(writeRecord(record, 9)));
    expect(written).toMatchObject({ ...RECORD, revision: 9 });
    expect(readRecord(written)).toEqual(record);
  });

  test('of a logger is read, too', () => {
    expect(readRecord({ ...RECORD, name: 'web/log' })).toMatchObject({ name: 'web/log' });
  });

  test('of a newer version is read as far as this one knows it', () => {
    const newer = { ...RECORD, color: 'blue', machine: { ...MACHINE, mood: 'good' } };
    expect(readRecord(newer)).toMatchObject({ name: 'web', machine: { state: 'up', run: { pid: 77 } } });
  });

  test('of an older version has initial values for missing fields', () => {
    const { kills: _kills, exits: _exits, ...fewer } = MACHINE.counters;
    expect(machineIn({ counters: fewer })).toMatchObject({ state: 'up', counters: { kills: 0, exits: { lost: 0 } } });
  });

  test.each([
    [77, 'up'],
    [0, 'down'],
  ])('in an unknown state, with the process %i, is %s', (pid, state) => {
    expect(machineIn({ state: 'hibernating', pid, timerAtMs: 9 })).toMatchObject({ state, timerAtMs: undefined });
  });

  test('with unknown words has initial values, and what can be said of an exit', () => {
    const cause = { kind: 'dream' };
    const lastExit = { run: 2, status: { kind: 'evaporated' }, atMs: 3, durationMs: 1, expected: false };
    expect(machineIn({ cause, told: cause, desired: 'for now', restartReason: 'mood', lastExit })).toMatchObject({
      cause: { kind: 'scan' },
      run: { endRequestedBy: undefined },
      desired: 'up',
      restartReason: undefined,
      lastExit: { run: 2, status: { kind: 'lost' } },
    });
    const ended = { session: 5, status: { kind: 'exited', code: 3 }, next: 'someday' };
    expect(machineIn({ state: 'finishing', pid: 0, ended })).toMatchObject({
      ended: { session: 5, status: { kind: 'exited', code: 3 }, next: 'start' },
    });
  });

  test.each([
    undefined,
    null,
    7,
    'web',
    {},
    { name: '../x', directory: '/' },
    { name: 'web' },
    { name: 'a/b/log', directory: '/' },
  ])('is not read: %j', (value) => {
    expect(readRecord(value)).toBeUndefined();
  });
});
