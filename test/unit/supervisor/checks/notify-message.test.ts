import { describe, expect, test } from '@jest/globals';
import { parseNotices } from '../../../../src/supervisor/checks/notify-message.js';

describe('a message of sd_notify', () => {
  test('is read variable by variable, in order', () => {
    expect(parseNotices('STATUS=Loaded 3 = all\nMAINPID=42\nREADY=1\n')).toEqual([
      { kind: 'status', text: 'Loaded 3 = all' },
      { kind: 'main_pid', pid: 42 },
      { kind: 'ready' },
    ]);
  });

  test('has times in microseconds, however long', () => {
    expect(parseNotices('WATCHDOG_USEC=1500000\nEXTEND_TIMEOUT_USEC=1\nWATCHDOG_USEC=18446744073709551615')).toEqual([
      { kind: 'watchdog_interval', ms: 1_500 },
      { kind: 'extend_timeout', ms: 1 },
      { kind: 'watchdog_interval', ms: 2 ** 31 - 1 },
    ]);
  });

  test('may say that the service stops, reloads, is alive or is not', () => {
    expect(
      parseNotices('STOPPING=1\nRELOADING=1\nWATCHDOG=1\nWATCHDOG=trigger\nFDSTORE=1').map(({ kind }) => kind),
    ).toEqual(['stopping', 'reloading', 'watchdog', 'watchdog_trigger', 'fdstore']);
  });

  test.each([
    'READY=0',
    'READY',
    '=1',
    'MAINPID=-1',
    'MAINPID=1x',
    'WATCHDOG_USEC=-5',
    'ERRNO=2',
    'X_MINE=1',
    'BARRIER=1',
  ])('%s is ignored', (line) => {
    expect(parseNotices(line)).toEqual([]);
  });
});
