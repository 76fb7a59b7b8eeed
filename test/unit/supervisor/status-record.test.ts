import { describe, expect, test } from '@jest/globals';
import {
  decodeStatus,
  describeStatus,
  encodeStatus,
  type StatusRecord,
  statusRecord,
} from '../../../src/supervisor/status-record.js';
import type { ServiceStatus } from '../../../src/types/service.js';
import { fakeStatus } from '../../helpers/fake-services.js';

/** Bytes that runsv of Debian's runit 2.1.2 wrote, without the nanoseconds. */
const WRITTEN_BY_RUNSV: readonly (readonly [string, StatusRecord, hex: string, stat: string])[] = [
  ['up', record('run', 4702), '400000006b03b432000001f45e12000000750001', 'run'],
  ['down', record('down', 0, { want: 'down' }), '400000006b03b432000001f40000000000640000', 'down'],
  ['crashed', record('down', 0), '400000006b03b432000001f40000000000750000', 'down'],
  ['paused', record('run', 4702, { paused: true }), '400000006b03b432000001f45e12000001750001', 'run, paused'],
  ['once', record('run', 4702, { want: 'down' }), '400000006b03b432000001f45e12000000640001', 'run, want down'],
  ['finish', record('finish', 4951), '400000006b03b432000001f45713000000750002', 'finish'],
  [
    'finish, want down',
    record('finish', 4951, { want: 'down' }),
    '400000006b03b432000001f45713000000640002',
    'finish, want down',
  ],
  [
    'TERM ignored',
    record('run', 4705, { want: 'down', termed: true }),
    '400000006b03b432000001f46112000000640101',
    'run, got TERM, want down',
  ],
  [
    'TERM, paused',
    record('run', 6255, { paused: true, termed: true }),
    '400000006b03b432000001f46f18000001750101',
    'run, paused, got TERM',
  ],
  [
    'exit',
    record('run', 6648, { want: 'exit', termed: true }),
    '400000006b03b432000001f4f819000000640101',
    'run, got TERM, want exit',
  ],
];

function record(state: StatusRecord['state'], pid: number, over: Partial<StatusRecord> = {}): StatusRecord {
  const sinceMs = (0x6b03b432 - 10) * 1000;
  return { state, pid, paused: false, want: 'up', termed: false, sinceMs, ...over };
}

test.each(WRITTEN_BY_RUNSV)('%s is written as runsv writes it', (_name, what, hex, stat) => {
  expect(encodeStatus(what).toString('hex')).toBe(hex);
  expect(describeStatus(what)).toBe(`${stat}\n`);
  const read = decodeStatus(Buffer.from(hex, 'hex'));
  expect(read).toEqual({ ...what, want: what.want === 'exit' ? 'down' : what.want });
});

test('invalid bytes are not read as a status', () => {
  expect(decodeStatus(Buffer.alloc(0))).toBeUndefined();
  expect(decodeStatus(Buffer.alloc(18))).toBeUndefined();
  expect(decodeStatus(Buffer.alloc(20, 0xff))).toBeUndefined();
});

describe('the record of a service', () => {
  const AT = 1_700_000_000_123;
  const of = (over: Partial<ServiceStatus>, before?: StatusRecord): StatusRecord =>
    statusRecord(fakeStatus('web', over), before, AT);

  test('is not wanted up while it waits for the next attempt, so that sv can start it at once', () => {
    expect(of({ state: 'backoff', desired: 'up' })).toMatchObject({ state: 'down', want: 'down' });
    expect(of({ state: 'failed', desired: 'up' })).toMatchObject({ state: 'down', want: 'down' });
    expect(of({ state: 'starting', desired: 'up', pid: 7 })).toMatchObject({ state: 'run', want: 'up', pid: 7 });
  });

  test('has the time of the start of the run, which finish does not change, or of going down', () => {
    const run = of({ state: 'starting', pid: 7 });
    expect(run.sinceMs).toBe(AT);
    const later = { ...run, sinceMs: AT - 5000 };
    expect(of({ state: 'up', pid: 7 }, later).sinceMs).toBe(AT - 5000);
    expect(of({ state: 'stopping', pid: 7, termSent: true }, later).sinceMs).toBe(AT - 5000);
    expect(of({ state: 'finishing', finishPid: 9 }, later)).toMatchObject({
      state: 'finish',
      pid: 9,
      sinceMs: AT - 5000,
    });
    expect(of({ state: 'starting', pid: 8 }, later).sinceMs).toBe(AT);
    expect(of({ state: 'down' }, later).sinceMs).toBe(AT);
    expect(of({ state: 'down', desired: 'down' }, { ...later, state: 'down', pid: 0 }).sinceMs).toBe(AT - 5000);
  });

  test('has TERM for the run that got it', () => {
    expect(of({ state: 'stopping', pid: 7, termSent: true }).termed).toBe(true);
    expect(of({ state: 'finishing', finishPid: 9, termSent: true }).termed).toBe(false);
  });
});
