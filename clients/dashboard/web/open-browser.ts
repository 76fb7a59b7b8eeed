import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a person sits at this machine and can see a browser. */
export function hasBrowser(): boolean {
  const { DISPLAY, WAYLAND_DISPLAY, BROWSER } = process.env;
  return Boolean(BROWSER || ((DISPLAY || WAYLAND_DISPLAY) && process.stdout.isTTY));
}

/**
 * Opens a URL with a secret in it. Command lines are seen by every user of the machine: the browser
 * gets a file that only we can read and that leads there. Returns what removes the file.
 *
 * @param failed - told why no browser could be started
 */
export function openBrowser(url: string, failed: (why: string) => void): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'svctl-dashboard-'));
  const file = join(directory, 'open.html');
  const markup = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}"><title>svctl dashboard</title>\n`;
  writeFileSync(file, markup, { mode: 0o600 });
  start(commandsFor(file), failed);
  return () => rmSync(directory, { recursive: true, force: true });
}

/**
 * `$BROWSER` is a list of commands between colons. `%s` in a command stands for the address;
 * without `%s`, the address is the last word. See http://www.catb.org/~esr/BROWSER/.
 */
function commandsFor(file: string): readonly (readonly string[])[] {
  const commands = (process.env.BROWSER || 'xdg-open')
    .split(':')
    .map((command) => command.split(/\s+/).filter(Boolean));
  return commands
    .filter((words) => words.length > 0)
    .map((words) => {
      const hasPlace = words.some((word) => word.includes('%s'));
      return hasPlace ? words.map((word) => word.replaceAll('%s', file)) : [...words, file];
    });
}

/** Starts the first of the commands that can be started. */
function start([command, ...others]: readonly (readonly string[])[], failed: (why: string) => void): void {
  const [program = '', ...args] = command ?? [];
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.on('error', ({ message }) => {
    if (others.length > 0) start(others, failed);
    else failed(message);
  });
  child.unref();
}
