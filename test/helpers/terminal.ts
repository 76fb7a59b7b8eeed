import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ended, run } from './container.js';

const place = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const MY_INIT = join(place('../../dist'), 'my_init');

/** The dialogue at the terminal, in this order. */
export type Dialogue = readonly (
  | readonly ['expect' | 'send', string]
  | readonly ['resize', rows: number, columns: number]
)[];

/**
 * Runs my_init as PID 1 (or as a subreaper) on a terminal, holds a dialogue with it, and waits for
 * its end.
 */
export function onTerminal(
  dialogue: Dialogue,
  args: readonly string[],
  as: 'pid1' | 'subreaper' = 'pid1',
): Promise<Ended> {
  const namespace = as === 'pid1' ? ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] : [];
  const options = ['--skip-startup-files', '--skip-runit', '--http-listen', 'none', '--socket'];
  const socket = `/tmp/my_init-terminal-${process.pid}.sock`;
  return run('python3', [
    ...[place('terminal.py'), JSON.stringify(dialogue)],
    ...[...namespace, MY_INIT, ...options, socket, ...args],
  ]);
}
