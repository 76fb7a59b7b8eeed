import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';

let container: TestContainer;
const copies: string[] = [];
const followers: ChildProcess[] = [];
afterEach(async () => {
  for (const child of followers.splice(0)) child.kill();
  await container.dispose();
  for (const directory of copies.splice(0)) rmSync(directory, { recursive: true, maxRetries: 20 });
});

const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));

/** On a busy machine, the program on disk takes some time to report its version. */
const REEXEC = ['reexec', '--timeout', '120'];
const LIMIT_MS = 900_000;

const info = () => container.info();

describe('svctl reexec', () => {
  test.each(['pid1', 'subreaper'] as const)(
    'replaces the controller and touches nothing else (%s)',
    async (as) => {
      container = await TestContainer.boot({ as, services: { web: { run: WORKS } }, args: METRICS });
      const before = await container.reaches('web', 'up');
      const { controllerPid } = await info();
      for (let round = 1; round <= 7; round++) {
        const { code, stdout, stderr } = await container.svctl(...REEXEC);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toMatch(/^controller replaced: pid \d+ → \d+ in /);
      }
      const after = await info();
      expect(after.controllerPid).not.toBe(controllerPid);
      // More than five within a minute are allowed: a reexec is no failure.
      expect(after).toMatchObject({ controllerRestarts: 7, controllerEnds: { reexec: 7, signal: 0 } });
      expect(await container.metric('my_init_controller_restarts_total{cause="reexec"}')).toBe(7);
      const { pid, run, runId, startsTotal, restartsTotal } = before;
      expect(await container.status('web')).toMatchObject({ pid, run, runId, startsTotal, restartsTotal });
      expect(container.log()).toContain('The controller was replaced, as asked, by version');
    },
    LIMIT_MS,
  );

  test('takes over another version, and says so', async () => {
    const installation = copyOfProgram();
    container = await TestContainer.boot({ installation, services: { web: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    const { version } = await info();
    const chunks = readdirSync(join(installation, 'lib')).map((file) => join('lib', file));
    change(installation, (text) => text.replaceAll(`"${version}"`, '"99.0.0"'), ['controller.js', ...chunks]);
    expect((await container.svctl(...REEXEC)).stdout).toContain(`, version ${version} → 99.0.0 in `);
    expect(await info()).toMatchObject({ version: '99.0.0' });
    expect(await container.status('web')).toMatchObject({ pid, run: 1 });
  });

  test.each([
    ['does not run', () => 'this is no program', /does not run: SyntaxError: /],
    ['is another one', () => 'console.log("hello")', /does not run: it says "hello"/],
    [
      'speaks another protocol',
      () => 'console.log(JSON.stringify({ version: "2.0.0", protocol: 2, slots: 1 }))',
      /version 2\.0\.0 speaks protocol 2 with init, and this init speaks 1/,
    ],
    [
      'cannot read what this one leaves',
      () => 'console.log(JSON.stringify({ version: "0.0.1", protocol: 1, slots: 0 }))',
      /version 0\.0\.1 is older and cannot read/,
    ],
  ])('leaves the controller alone when the program on disk %s', async (_, content, why) => {
    const installation = copyOfProgram();
    container = await TestContainer.boot({ installation, services: { web: { run: WORKS } } });
    const before = await info();
    change(installation, content);
    const { code, stderr } = await container.svctl(...REEXEC);
    expect(stderr).toMatch(why);
    expect(code).toBe(8);
    expect(await info()).toEqual(before);
  });

  test(
    'svctl logs -f and svctl watch go on without a gap or a repeat',
    async () => {
      const run = '#!/bin/sh\ni=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.002; done\n';
      container = await TestContainer.boot({ services: { talks: { run }, other: { run: WORKS } } });
      await container.reaches('talks', 'up');
      await container.reaches('other', 'up');
      const logs = follow('logs', '-f', '-n', '1000000', '-o', 'jsonl', 'talks');
      const watch = follow('watch', '-o', 'jsonl', 'other');
      await waitFor('the first lines', () => logs.lines().length > 50 && watch.lines().length > 0);
      for (let round = 0; round < 3; round++) {
        const restart = container.svctl('restart', 'other', '--no-wait');
        expect((await container.svctl(...REEXEC)).code).toBe(0);
        await restart;
        const seen = logs.lines().length;
        await waitFor('lines from the next controller', () => logs.lines().length > seen + 50);
      }
      const last = await container.reaches('other', 'up');
      await waitFor('the last change', () => watch.lines().some((line) => line.includes(`"pid":${last.pid}`)));
      const numbers = all(logs.lines(), /"line (\d+)"/);
      expect(numbers.length).toBeGreaterThan(200);
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      const revisions = all(watch.lines(), /"change":\{"revision":"(\d+)"/);
      expect(revisions.length).toBeGreaterThan(3);
      expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
      expect(watch.lines().filter((line) => line.includes('"gap"'))).toEqual([]);
    },
    LIMIT_MS,
  );
});

const all = (lines: readonly string[], number: RegExp): readonly number[] =>
  lines.flatMap((line) => number.exec(line)?.[1] ?? []).map(Number);

/** Runs svctl in the background. Returns the lines that it has written. */
function follow(...args: readonly string[]) {
  const child = spawn(join(DIST, 'svctl.js'), ['--socket', container.socket, ...args]);
  followers.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return { lines: () => text.split('\n').slice(0, -1) };
}

function copyOfProgram(): string {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-installed-'));
  copies.push(directory);
  cpSync(DIST, directory, { recursive: true });
  return directory;
}

/** Replaces programs as a package manager does: the running one keeps its file. */
function change(installation: string, content: (text: string) => string, files = ['controller.js']): void {
  for (const path of files.map((file) => join(installation, file))) {
    writeFileSync(`${path}.new`, content(readFileSync(path, 'utf8')));
    renameSync(`${path}.new`, path);
  }
}
