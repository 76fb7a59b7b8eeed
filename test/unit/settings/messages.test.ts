import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Messages } from '../../../src/settings/messages.js';
import { LOG_LEVELS } from '../../../src/settings/options.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'messages-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The text written to a file. */
function written(talk: (messages: Messages) => void): string {
  const path = join(directory, 'log');
  const fd = openSync(path, 'w');
  talk(new Messages(() => fd));
  closeSync(fd);
  return readFileSync(path, 'utf8');
}

describe('my_init’s own messages', () => {
  test.each(LOG_LEVELS)('at level %s are those of this level and worse', (level) => {
    const text = written((messages) => {
      messages.level = level;
      for (const each of LOG_LEVELS) messages[each](each);
    });
    const expected = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1);
    expect(text).toBe(expected.map((each) => `*** ${each}\n`).join(''));
  });

  test('each line begins with stars, and nothing in it acts on a terminal', () => {
    expect(written((messages) => messages.info('a\nb\x1b[31m\x07\u009b'))).toBe('*** a\n*** b\\x1b[31m\\x07\\x9b\n');
  });

  test('a line is never longer than what a pipe takes at once', () => {
    const lines = written((messages) => messages.info('é'.repeat(10_000))).split('\n');
    expect(Buffer.byteLength(`${lines[0]}\n`)).toBeLessThanOrEqual(4_096);
    expect(lines[0]).toMatch(/\.\.\.$/);
  });

  test('do not block on a pipe that nobody reads, and lost messages are counted', () => {
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const fd = openSync(path, constants.O_WRONLY);
    const messages = new Messages(() => fd);
    const line = 'x'.repeat(99);
    for (let index = 0; index < 2_000; index++) messages.info(line);
    const whole = Buffer.alloc(1 << 20);
    const got = readSync(reader, whole).toString();
    const arrived = whole.toString('latin1', 0, Number(got)).split('\n').length - 1;
    messages.info('again');
    const rest = whole.toString('latin1', 0, readSync(reader, whole));
    expect(rest).toBe(`*** ${2_000 - arrived} messages were lost: nobody read standard error\n*** again\n`);
    closeSync(fd);
    closeSync(reader);
  });

  test('do not make the pipe non-blocking for those who share it', () => {
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const fd = openSync(path, constants.O_WRONLY);
    new Messages(() => fd).info('hello');
    const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
    expect(Number.parseInt(flags, 8) & constants.O_NONBLOCK).toBe(0);
    closeSync(fd);
    closeSync(reader);
  });
});
