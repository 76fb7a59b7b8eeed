import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { sessionMemory } from '../../../src/resources/session-memory.js';

/** A process that shares 60 MiB with a child and a grandchild; each of these has 10 more. */
const FAMILY = `
import mmap, os, time
shared = mmap.mmap(-1, 60 << 20)
shared.write(b'x' * (60 << 20))
if os.fork() == 0:
    os.fork()
for page in range(0, 60 << 20, 4096): shared[page]
kept = bytearray(b'y') * (10 << 20)
os.write(1, b'.')
time.sleep(1000)
`;

const MIB = 2 ** 20;

test('the memory of a session counts shared pages once where that matters', async () => {
  const leader = spawn('python3', ['-c', FAMILY], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = leader.pid ?? 0;
  try {
    for (let said = 0; said < 3; ) said += String((await once(leader.stdout, 'data'))[0]).length;
    const withShared = sessionMemory(pid, pid, process.pid, Number.POSITIVE_INFINITY);
    const exact = sessionMemory(pid, pid, process.pid, 100 * MIB);
    expect(withShared).toBeGreaterThan(3 * 70 * MIB);
    expect(exact).toBeGreaterThan(90 * MIB);
    expect(exact).toBeLessThan(140 * MIB);
  } finally {
    process.kill(-pid, 'SIGKILL');
  }
});

test('a session that is gone uses none', () => {
  expect(sessionMemory(2 ** 22 + 1, 2 ** 22 + 1, process.pid, 1)).toBe(0);
});
