import { expect, test } from '@jest/globals';
import { initialMachine, type Machine } from '../../../src/supervisor/machine.js';
import { readRecord, type ServiceRecord, writeRecord } from '../../../src/supervisor/service-record.js';
import type { ServiceName } from '../../../src/types/service.js';

/** The room in a slot of the state, without its header and the key. */
const ROOM = 4_096 - 12 - 64;

const name = 'web' as ServiceName;
const directory = `/${'d'.repeat(1_000)}`;
const words = `cannot be executed: /${'p'.repeat(4_000)}`;
const machine: Machine = {
  ...initialMachine(true, 0),
  state: 'waiting',
  trouble: words,
  unmet: Array.from({ length: 200 }, (_, index) => ({
    on: `service-${index}` as ServiceName,
    condition: 'ready',
    reason: 'not-yet',
  })),
  lastExit: {
    run: 1,
    status: { kind: 'exited', code: 127 },
    unstartable: words,
    expected: false,
    atMs: 1_000.123456,
    durationMs: 1_000.123456,
  },
};
const record: ServiceRecord = {
  name,
  directory,
  identity: '259:1234567:1764400000.123456789',
  autostart: true,
  machine,
  controlled: undefined,
  order: { kind: 'restart', id: 'i'.repeat(36), run: 1_000, starts: 1_000, oldPid: 4_000_000, changed: true },
};

test('a service with texts of thousands of letters and hundreds of unmet conditions stays on record', () => {
  const written = JSON.stringify(writeRecord(record, 1_000_000));
  expect(Buffer.byteLength(written)).toBeLessThan(ROOM);
  const read = readRecord(JSON.parse(written));
  expect(read).toMatchObject({ name, directory, machine: { state: 'waiting', lastExit: { run: 1 } } });
  expect(read?.machine.trouble).toMatch(/^cannot be executed: \/p+…$/);
});

test('a text and conditions of the usual length are written as they are', () => {
  const usual = { ...machine, trouble: 'waits for db', unmet: machine.unmet.slice(0, 3), lastExit: undefined };
  expect(readRecord(writeRecord({ ...record, machine: usual }, 1))?.machine).toEqual(usual);
});
