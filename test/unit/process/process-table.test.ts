import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { readProcesses } from '../../../src/process/process-table.js';

const nameOf = (pid: number | undefined): string | undefined => readProcesses([pid ?? 0])[0]?.name;

test('a Node that names its process MainThread is shown by its program', async () => {
  const named = "require('fs').writeFileSync('/proc/self/comm', 'MainThread'); console.log('there')";
  const program = spawn(process.execPath, ['-e', `${named}; setInterval(() => {}, 1e6)`], {
    argv0: '/opt/app/bin/shop-server',
  });
  await once(program.stdout, 'data');
  expect(nameOf(program.pid)).toBe('shop-server');
  program.kill('SIGKILL');
  await once(program, 'exit');
});

test('any other process is shown by its name in the kernel', async () => {
  const program = spawn('sleep', ['1000'], { argv0: 'something else' });
  await once(program, 'spawn');
  expect(nameOf(program.pid)).toBe('sleep');
  program.kill('SIGKILL');
  await once(program, 'exit');
});
