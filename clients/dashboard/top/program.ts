import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from './app.js';

/** Shows text in the pager or the editor of the person: to select, copy and save it there. */
export async function showInProgram(app: App, which: 'pager' | 'editor', text: string): Promise<void> {
  const { PAGER, VISUAL, EDITOR } = process.env;
  const program = which === 'pager' ? PAGER || 'less' : VISUAL || EDITOR || 'vi';
  let directory: string | undefined;
  try {
    directory = mkdtempSync(join(tmpdir(), 'svctl-top-'));
    const file = join(directory, 'log.txt');
    // Logs may hold secrets.
    writeFileSync(file, text, { mode: 0o600 });
    await app.lend(() => run(program, file));
  } catch (error) {
    app.note(error instanceof Error ? error.message : String(error));
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}

/** Rejects when the program cannot be started, or fails. */
function run(program: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The variables are command lines: "less -R".
    const child = spawn('/bin/sh', ['-c', `${program} "$1"`, 'svctl-top', file], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0 || code === null) resolve();
      else reject(new Error(`${program} ended with exit code ${code}`));
    });
  });
}
