/** @needs python3 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { KEYS, ScreenProgram } from '../../helpers/screen.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

let container: TestContainer;
let program: ScreenProgram | undefined;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'top-logs-'));
});
afterEach(async () => {
  program?.kill();
  program = undefined;
  await container.dispose();
  rmSync(directory, { recursive: true });
});

/** The log of the service `web`, which writes these lines. */
async function logOf(lines: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ScreenProgram> {
  container = await TestContainer.boot({ services: { web: { run: sh(...lines, 'exec sleep 1000') } } });
  return opened(env);
}

async function opened(env: Readonly<Record<string, string>> = {}): Promise<ScreenProgram> {
  program = ScreenProgram.svctl(container.socket, ['top', 'web'], { env });
  await program.shows(/^ *web +up/m);
  program.keys('l');
  await program.shows('logs of web');
  return program;
}

/** The lines between the head and the foot. */
const lines = (screen: ScreenProgram): readonly string[] => screen.text.split('\n').slice(1, -1);

describe('a log in svctl top', () => {
  test('is followed through a storm, and read meanwhile', async () => {
    const screen = await logOf(['i=0; while :; do i=$((i+1)); seq -f "storm $i.%.0f" 500; sleep 0.02; done']);
    await screen.shows(/storm \d{2,}\.\d/);
    const newer = (): number => Number(/(\d+) newer lines/.exec(screen.text)?.[1] ?? 0);
    screen.keys(KEYS.pageUp);
    const first = await waitFor('the page before', () => newer() || undefined);
    // The head of the next frame comes after the lines of this one.
    await waitFor('the next frame', () => newer() > first);
    const read = lines(screen);
    await waitFor('newer lines to come', () => newer() > first + 2000);
    expect(lines(screen)).toEqual(read);
    screen.keys(KEYS.end);
    await waitFor('the newest lines', () => !screen.text.includes('newer lines'));
    const last = lines(screen).at(-1);
    await waitFor('newer ones', () => lines(screen).at(-1) !== last);
    screen.keys('q');
    await screen.shows('top  1 service, "web"');
  });

  test('shows in the middle of a storm that the controller is gone, and goes on where it was', async () => {
    const screen = await logOf(
      ['i=0; while :; do seq $((i*20+1)) $((i*20+20)); i=$((i+1)); sleep 0.02; done'],
      // Copies the log and returns at once.
      { PAGER: `sh -c 'cp "$1" "${directory}"' sh` },
    );
    const last = (): number => Number(lines(screen).at(-1) ?? 0);
    await waitFor('the storm', () => last() > 200);
    const before = last();
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the lost connection to be told', () => /connection.{0,20}lost/.test(screen.written));
    await waitFor('lines of the next controller', () => last() > before + 2000);
    await waitFor('nothing to be told any more', () => !screen.text.includes('connection lost'));
    screen.keys('v');
    const copy = join(directory, 'log.txt');
    await waitFor('the copy', () => existsSync(copy) && readFileSync(copy, 'utf8').endsWith('\n'));
    const numbers = [...readFileSync(copy, 'utf8').matchAll(/ web (\d+)$/gm)].map(([, number]) => Number(number));
    expect(numbers.length).toBeGreaterThan(2000);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  });

  test('is filtered by my_init, including lines that the view has not read', async () => {
    // More lines than the view reads at first.
    const screen = await logOf(['seq -f "line %.0f" 3000']);
    await screen.shows('line 3000');
    screen.keys('&', ...'e 1.?7$', KEYS.enter);
    await screen.shows(/^line 17\nline 107\n[\s\S]*line 197/m);
    expect(screen.text).toContain('filter e 1.?7$');
    screen.keys('&', '\x15', KEYS.enter);
    await screen.shows('line 3000');
  });

  test('is searched, upwards and downwards', async () => {
    const screen = await logOf(['seq -f "line %.0f" 500']);
    await screen.shows('line 500');
    screen.keys('/', ...'line [12]50$', KEYS.enter);
    // The line that is found is the last one above the keys.
    await screen.shows(/^line 250\n\//m);
    expect(screen.text).toMatch(/search line \[12\]50\$, 25\d newer lines/);
    screen.keys('n');
    await screen.shows(/^line 150\n\//m);
    screen.keys('N');
    await screen.shows(/^line 250\n\//m);
    screen.keys('/', '\x15', ...'(', KEYS.enter);
    await screen.shows('invalid regular expression: (');
  });

  test('shows times, errors alone, and the previous run', async () => {
    const screen = await logOf(['echo "to stdout $$"', 'echo "to stderr $$" >&2']);
    await screen.shows('to stderr');
    expect(lines(screen)).toEqual(expect.arrayContaining([expect.stringMatching(/^to stdout/)]));
    screen.keys('T');
    await screen.shows(/^\d\d:\d\d:\d\d\.\d{3} to stdout/m);
    screen.keys('e');
    await screen.shows('stderr only');
    await waitFor('errors alone', () => screen.text.includes('to stderr') && !screen.text.includes('to stdout'));
    screen.keys('e', 'T');
    const [first] = /to stdout \d+/.exec(await screen.shows(/^to stdout/m)) ?? [''];
    await container.svctl('restart', 'web');
    await waitFor('the new run', () => (screen.text.match(/to stdout/g) ?? []).length === 2);
    screen.keys('p');
    await screen.shows('previous run');
    await waitFor('the lines of that run', () => (screen.text.match(/to stdout/g) ?? []).length === 1);
    expect(screen.text).toContain(first);
  });

  test('of several services shows their names', async () => {
    container = await TestContainer.boot({
      services: {
        one: { run: sh('echo of one', 'exec sleep 1000') },
        two: { run: sh('echo of two', 'exec sleep 1000') },
        three: { run: sh('echo of three', 'exec sleep 1000') },
      },
    });
    program = ScreenProgram.svctl(container.socket, ['top']);
    await program.shows(/two +up/);
    // The order is: one, three, two.
    program.keys(' ', ' ');
    await program.shows('2 marked');
    program.keys('l');
    await program.shows('logs of one, three');
    await program.shows(/^one of one$/m);
    await program.shows(/^three of three$/m);
    expect(program.text).not.toContain('of two');
  });

  test.each([
    ['v', 'PAGER'],
    ['E', 'EDITOR'],
  ])('opens in another program with %s: $%s', async (key, variable) => {
    const copy = join(directory, 'log.txt');
    const screen = await logOf(['printf "one\\ntwo \\033[31mred\\n"'], {
      // The program has the terminal until a line is typed.
      [variable]: `sh -c 'cp -p "$1" "${directory}"; echo with the program; read answer; echo "$answer" >${directory}/answer' sh`,
    });
    await screen.shows('two');
    screen.keys(key);
    await screen.shows('with the program');
    expect(screen.terminal.buffer.active.type).toBe('normal');
    expect(readFileSync(copy, 'utf8')).toMatch(/^[\d-]+T[\d:.]+Z web one\n[\d-]+T[\d:.]+Z web two \\x1b\[31mred$/m);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    screen.keys(...'q\r');
    await screen.shows('logs of web');
    expect(readFileSync(join(directory, 'answer'), 'utf8')).toBe('q\n');
  });

  test('shows that the other program could not be run', async () => {
    const screen = await logOf(['echo one'], { PAGER: '/nowhere/pager' });
    await screen.shows('one');
    screen.keys('v');
    await screen.shows('/nowhere/pager ended with exit code 127');
    expect(existsSync(join(directory, 'log.txt'))).toBe(false);
  });
});
