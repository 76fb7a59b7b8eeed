import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A person sits at this machine, who can see a browser. */
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
  const child = spawn(process.env.BROWSER || 'xdg-open', [file], { stdio: 'ignore', detached: true });
  child.on('error', ({ message }) => failed(message));
  child.unref();
  return () => rmSync(directory, { recursive: true, force: true });
}
