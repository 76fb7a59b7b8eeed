import { spawn, spawnSync } from 'node:child_process';

/**
 * Gives the terminal back when svctl is killed in a way that it cannot act on. A shell waits for
 * the end of svctl, which closes its standard input, then restores the settings of the terminal,
 * its first screen and the cursor.
 *
 * @returns ends the guard, when svctl has given the terminal back itself
 */
export function guardTerminal(): () => void {
  const { stdout, status } = spawnSync('stty', ['-g'], { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  if (status !== 0) return () => undefined;
  const child = spawn('/bin/sh', ['-c', RESTORE, 'svctl-terminal', stdout.trim()], {
    stdio: ['pipe', 'inherit', 'ignore'],
    detached: true,
  });
  child.on('error', () => undefined);
  child.unref();
  return () => child.kill('SIGKILL');
}

/** TTOU: a process in the background may set the terminal. */
const RESTORE = String.raw`trap '' TTOU HUP INT TERM
cat >/dev/null
printf '\033[?1000l\033[?1006l\033[0m\033[?25h\033[?1049l'
stty "$1" <&1`;
