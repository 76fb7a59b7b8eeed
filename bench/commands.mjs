/** Programs that are run to their end, and how long they take. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { STOPWATCH } from './tools.mjs';

/** The measure of everything that is written for Node. */
export const NODE = { name: 'node -e 0', isThere: () => true };

/** Milliseconds from its execution to its end, and of CPU. */
export async function timeCommand(command, environment = {}) {
  const options = { env: { ...process.env, ...environment } };
  const { stdout } = await promisify(execFile)(STOPWATCH, ['time', ...command], options);
  const [ms, cpuMs, code] = stdout.split(' ').map(Number);
  if (code !== 0) throw new Error(`${command.join(' ')} exited with ${code}`);
  return { ms, cpuMs };
}
