/** Programs that are run to their end, and how long they take. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { STOPWATCH } from './tools.mjs';

/** The contender that everything written for Node is compared with. */
export const NODE = { name: 'node -e 0', isThere: () => true };

/** Milliseconds from the execution of a command to its end, and its CPU time. */
export async function timeCommand(command, environment = {}) {
  const options = { env: { ...process.env, ...environment } };
  const { stdout } = await promisify(execFile)(STOPWATCH, ['time', ...command], options);
  const [ms, cpuMs, code] = stdout.split(' ').map(Number);
  if (code !== 0) throw new Error(`${command.join(' ')} exited with ${code}`);
  return { ms, cpuMs };
}
