/** @needs python3 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { ScreenProgram } from '../../helpers/screen.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
let program: ScreenProgram;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'browser-'));
  // Stands in for the program with which the desktop opens files.
  const standIn = `#!/bin/sh\nprintf %s "$1" >${directory}/opened.new\nmv ${directory}/opened.new ${directory}/opened\n`;
  writeFileSync(join(directory, 'xdg-open'), standIn, { mode: 0o755 });
  container = await TestContainer.boot();
});
afterEach(async () => {
  program.kill();
  await container.dispose();
  rmSync(directory, { recursive: true });
});

/** Runs the dashboard on a terminal, as a person does. */
async function dashboard(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  program = ScreenProgram.svctl(container.socket, ['dashboard', ...args], {
    columns: 120,
    env: { PATH: `${directory}:${process.env.PATH}`, ...env },
  });
  const shown = await program.shows(/Ctrl-C ends the dashboard/);
  return /http:\/\/127\.0\.0\.1:\d+\/#token=\S+/.exec(shown)?.[0] ?? '';
}

describe('svctl dashboard on a desktop', () => {
  test('opens the browser with a file that leads to the page, and removes it at the end', async () => {
    const url = await dashboard([], { DISPLAY: ':0' });
    const file = await waitFor('the browser', () => {
      const note = join(directory, 'opened');
      return existsSync(note) && readFileSync(note, 'utf8');
    });
    expect(file).not.toContain('token');
    expect(readFileSync(file, 'utf8')).toContain(`content="0;url=${url}"`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    program.keys('\x03');
    expect(await program.exit).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  test('takes the browser that BROWSER names', async () => {
    writeFileSync(join(directory, 'my-browser'), `#!/bin/sh\n: >${directory}/mine\n`, { mode: 0o755 });
    await dashboard([], { BROWSER: 'my-browser' });
    await waitFor('that browser', () => existsSync(join(directory, 'mine')));
  });

  test('takes the first installed browser of BROWSER, with the page in place of %s', async () => {
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" >${directory}/new\nmv ${directory}/new ${directory}/words\n`;
    writeFileSync(join(directory, 'my-browser'), script, { mode: 0o755 });
    await dashboard([], { BROWSER: 'no-such-browser:my-browser --new --url=%s --quiet:xdg-open' });
    const words = await waitFor('that browser', () => {
      const note = join(directory, 'words');
      return existsSync(note) && readFileSync(note, 'utf8');
    });
    expect(words).toMatch(/^--new\n--url=\/.*\/open\.html\n--quiet\n$/);
    expect(existsSync(join(directory, 'opened'))).toBe(false);
  });

  test('serves the page and says so when there is no browser', async () => {
    const url = await dashboard([], { BROWSER: '/nowhere/browser' });
    await program.shows(/cannot open a browser \(.*ENOENT\): open the URL in one yourself/);
    expect((await fetch(new URL(url).origin)).status).toBe(200);
  });

  test.each([
    ['without a desktop', [], {}],
    ['with --no-open', ['--no-open'], { DISPLAY: ':0', BROWSER: 'xdg-open' }],
  ])('opens no browser %s', async (_when, args, env) => {
    const url = await dashboard(args, env);
    expect((await fetch(new URL(url).origin)).status).toBe(200);
    program.keys('\x03');
    expect(await program.exit).toBe(0);
    expect(existsSync(join(directory, 'opened'))).toBe(false);
  });
});
