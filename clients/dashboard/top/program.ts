import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from './app.js';

/** Shows text in the pager or the editor of the person: to select, copy and save it there. */
export async function showInProgram(app: App, which: 'pager' | 'editor', text: string): Promise<void> {
  const { PAGER, VISUAL, EDITOR } = process.env;
  const program = which === 'pager' ? PAGER || 'less' : VISUAL || EDITOR || 'vi';
  const directory = mkdtempSync(join(tmpdir(), 'svctl-top-'));
  try {
    const file = join(directory, 'log.txt');
    // Logs may hold secrets.
    writeFileSync(file, text, { mode: 0o600 });
    await app.lend(
      () =>
        new Promise((resolve) => {
          // The variables are command lines: "less -R".
          const child = spawn('/bin/sh', ['-c', `${program} "$1"`, 'svctl-top', file], { stdio: 'inherit' });
          child.once('error', () => resolve());
          child.once('exit', (code) => {
            if (code !== 0 && code !== null) app.note(`${program} ended with exit code ${code}`);
            resolve();
          });
        }),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
