import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { boot, closeBoxes, SOURCES } from '../../helpers/init-harness.js';

const LINES = 4_000;
const directory = mkdtempSync(join(tmpdir(), 'my_init-sanitized-'));

beforeAll(() => {
  execFileSync('make', ['--silent', `--directory=${SOURCES}`, 'sanitized', `OUT=${directory}`]);
});
afterEach(closeBoxes);
afterAll(() => rmSync(directory, { recursive: true }));

/** The same numbers for the same seed, mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const WORDS = ['ready', 'watch', 'exited', 'took', 'kill', 'release', 'deadline 0', 'finish', 'leave', 'go', 'error'];
const ARGUMENTS = [
  ...['0', '1', '2', '-1', '-2', '9', '64', '65', '300000', '300001', '300002', '4194304', '2147483647', '2147483648'],
  ...['-2147483648', '-9223372036854775808', '99999999999999999999', '+1', '0x1', '1e3', '007', '', ' ', '%s%n', '\0'],
  ...['TERM', 'HUP', 'WINCH', 'SIGTERM', 'environ', 'a', 'x'.repeat(63), 'x'.repeat(64), 'y'.repeat(300), '\xff', '\r'],
];

function line(random: (below: number) => number): string {
  if (random(10) === 0) return Array.from({ length: random(300) }, () => String.fromCharCode(random(256))).join('');
  const words = [
    WORDS[random(WORDS.length)],
    ...Array.from({ length: random(5) }, () => ARGUMENTS[random(ARGUMENTS.length)]),
  ];
  const text = words.join(' ');
  const at = random(text.length);
  return random(4) === 0 ? text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + random(3)) : text;
}

/** Other tests send the messages that end init or the controller. */
const ENDS = /^(finish \d+ \d+ \d+|leave \d+|deadline [1-9]\d*|kill \d+ -?\d{1,3} [1-9]\d*)$/m;

describe('init withstands any line, built with the address and undefined behaviour sanitizers', () => {
  test.each([1, 2, 3, 4])('seed %d', async (seed) => {
    const random = generator(seed);
    const box = boot({ program: join(directory, 'my_init'), environment: { ASAN_OPTIONS: 'detect_leaks=0' } });
    let controller = await box.ready();
    for (let sent = 0; sent < LINES; ) {
      const lines = Array.from({ length: 200 }, () => line(random)).filter((text) => !ENDS.test(text));
      const text = `${lines.join('\n')}\n`;
      for (let at = 0; at < text.length; ) {
        const next = at + 1 + random(2_000); // cut anywhere
        await controller.call('send', text.slice(at, next));
        at = next;
      }
      sent += lines.length;
      if (random(3) === 0) await controller.call('hold', `n${random(50)}`, join(box.directory, 'held'));
      await controller.send('');
      await controller.settle();
      if (random(8) === 0 && box.controllers.length < 4) {
        controller.order('die', 'SIGKILL');
        controller = await box.ready(box.controllers.length + 1);
      }
    }
    controller.order('exitAtTheEnd');
    await controller.send('finish 5 84 5000');
    expect((await box.ended).code).toBe(5);
    expect(box.output.replace(/my_init: the controller ended: signal 9\n/g, '')).toBe('');
  });

  test('a whole life passes: orphans by the thousand, watched processes, two controllers', async () => {
    const box = boot({ program: join(directory, 'my_init'), environment: { ASAN_OPTIONS: 'detect_leaks=0' } });
    const controller = await box.ready();
    await controller.call('spawn', 'sh', '-c', 'for i in $(seq 1000); do (setsid sh -c "exit $((i % 256))" &); done');
    const watched = await controller.call<number>('spawn', 'sh', '-c', 'read x; exit 7');
    await controller.send(`watch ${watched}`);
    box.signal('SIGHUP');
    await controller.hear('signal HUP');
    controller.order('die', 'SIGKILL');
    const next = await box.ready(2);
    // Orphans that ended between the two controllers are reported, too.
    await next.hear(`exited ${watched} ${7 << 8}`);
    await next.send(`took ${watched}`, 'took HUP');
    next.order('exitAtTheEnd');
    await next.send('finish 5 84 5000');
    expect((await box.ended).code).toBe(5);
    expect(box.output).toBe('my_init: the controller ended: signal 9\n');
  });
});
