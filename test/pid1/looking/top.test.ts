/** @needs python3 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { KEYS, ScreenProgram } from '../../helpers/screen.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const SLEEP = { run: sh('exec sleep 1000') };

let container: TestContainer;
let program: ScreenProgram | undefined;
afterEach(async () => {
  program?.kill();
  program = undefined;
  await container.dispose();
});

/** svctl top in a container with a service that runs, one that fails and one that is down. */
async function top(size: { rows?: number; columns?: number; env?: Readonly<Record<string, string>> } = {}) {
  container = await TestContainer.boot({
    services: { web: SLEEP, db: { run: sh('echo no disk >&2', 'exit 3') }, cache: { ...SLEEP, down: '' } },
  });
  program = ScreenProgram.svctl(container.socket, ['top'], size);
  await program.shows(/^ *web +up/m);
  return program;
}

/** The names of the services on the screen, from the top. */
const namesOf = (screen: ScreenProgram): readonly string[] =>
  screen.text.split('\n').flatMap((line) => /^ +(cache|db|web) /.exec(line)?.[1] ?? []);

describe('svctl top', () => {
  test.each([
    [24, 80],
    [12, 60],
    [60, 200],
  ])('shows the services on %i × %i', async (rows, columns) => {
    const screen = await top({ rows, columns });
    const lines = screen.text.split('\n');
    expect(lines).toHaveLength(rows);
    expect(lines[0]).toContain('3 services');
    expect(lines[1]).toMatch(/NAME +STATE +READY +UPTIME/);
    expect(lines.at(-1)).toMatch(/\? help {2}q quit$/);
    expect(namesOf(screen)).toEqual(['cache', 'db', 'web']);
  });

  test('tells services with long names apart', async () => {
    const name = (number: number): string => `payments-gateway-worker-for-europe-${number}`;
    container = await TestContainer.boot({ services: { [name(1)]: SLEEP, [name(2)]: SLEEP } });
    program = ScreenProgram.svctl(container.socket, ['top']);
    for (const number of [1, 2]) await program.shows(new RegExp(`payme\\S*…\\S*-${number} +up`));
  });

  test('adapts to a change of the size', async () => {
    const screen = await top();
    screen.resize(40, 160);
    await screen.shows(/WAITS FOR, TROUBLE[\s\S]*q quit$/);
    expect(screen.text.split('\n')).toHaveLength(40);
  });

  test('writes nothing while nothing changes', async () => {
    container = await TestContainer.boot({ services: { cache: { ...SLEEP, down: '' } } });
    program = ScreenProgram.svctl(container.socket, ['top']);
    const screen = program;
    await screen.shows(/cache +down/);
    // Longer than the time between two samples of resource use.
    await waitFor('no output for a while', async () => {
      const before = screen.written.length;
      await delay(3_000);
      return screen.written.length === before;
    });
  });

  test('shows the command line of an action, carries it out only after a yes, and shows the change', async () => {
    const screen = await top();
    screen.keys('j', 'j', 't');
    await screen.shows(`$ svctl --socket ${container.socket} stop web`);
    screen.keys('n');
    await waitFor('the question to go', () => !screen.text.includes('stop web?'));
    expect((await container.status('web')).state).toBe('SERVICE_STATE_UP');
    screen.keys('t');
    await screen.shows('stop web?');
    screen.keys('y');
    await screen.shows('web: stopped');
    await screen.shows(/web +down/);
    screen.keys('s');
    await screen.shows('start web?');
    screen.keys('y');
    await screen.shows(/web +up +yes/);
  });

  test('sends a typed signal, and shows that the service was killed', async () => {
    const screen = await top();
    screen.keys('j', 'j', 'x');
    await screen.shows('signal (HUP');
    screen.keys('\x7f', '\x7f', '\x7f', ...'KILL', KEYS.enter);
    await screen.shows('signal KILL to web?');
    screen.keys('y');
    await screen.shows(/web +up +yes.* 1 .*KILL/);
  });

  test('holds a service for a typed time, and releases it', async () => {
    const screen = await top({ columns: 160 });
    screen.keys('j', 'j', 'h');
    await screen.shows('hold for how long');
    screen.keys(...' heap dump', KEYS.enter);
    await screen.shows("hold web --for 15m --reason 'heap dump'");
    screen.keys('y');
    await screen.shows('web: held for 15m');
    expect((await container.status('web')).hold).toMatchObject({ reason: 'heap dump' });
    screen.keys('H');
    await screen.shows('release web?');
    screen.keys('y');
    await screen.shows('web: released');
    expect((await container.status('web')).hold).toBeUndefined();
  });

  test('resets a service in backoff, which starts at once', async () => {
    container = await TestContainer.boot({
      services: {
        db: {
          run: sh('test -e disk || exit 3', 'exec sleep 1000'),
          'service.yaml': 'restart_delay: { initial: 1h, max: 1h }\n',
        },
      },
    });
    program = ScreenProgram.svctl(container.socket, ['top']);
    const screen = program;
    await screen.shows(/db +backoff/);
    container.write('db/disk', '');
    screen.keys('z');
    await screen.shows(`$ svctl --socket ${container.socket} reset db`);
    screen.keys('y');
    await screen.shows('db: reset');
    await screen.shows(/db +up +yes/);
  });

  test('filters by text and by state', async () => {
    const screen = await top();
    screen.keys('/', ...'web');
    await screen.shows('1 of 3 services');
    screen.keys(KEYS.enter, KEYS.escape);
    await screen.shows('top  3 services');
    screen.keys('f');
    await screen.shows('running');
    screen.keys('f', 'f');
    await screen.shows('not running');
    expect(screen.text).toMatch(/cache +down/);
    expect(screen.text).not.toMatch(/^ +web/m);
  });

  test('filters by tag, and sorts', async () => {
    container = await TestContainer.boot({
      services: {
        web: { ...SLEEP, 'service.yaml': 'tags: [front]\n' },
        db: { run: sh('exit 3') },
        cache: { ...SLEEP, down: '', 'service.yaml': 'tags: [front]\n' },
      },
    });
    program = ScreenProgram.svctl(container.socket, ['top']);
    const screen = program;
    await screen.shows(/db +(backoff|starting|up).* [1-9] /);
    expect(namesOf(screen)).toEqual(['cache', 'db', 'web']);
    screen.keys('o', 'o');
    await screen.shows('by restarts');
    expect(namesOf(screen)).toEqual(['db', 'cache', 'web']);
    screen.keys('/', ...'front', KEYS.enter);
    await screen.shows('2 of 3 services');
    expect(namesOf(screen)).toEqual(['cache', 'web']);
  });

  test('leaves the background to the terminal, and uses no colour that is invisible on a light or a dark one', async () => {
    const screen = await top();
    await screen.shows(/db +backoff/);
    const { active } = screen.terminal.buffer;
    for (let row = 0; row < screen.terminal.rows; row += 1) {
      const line = active.getLine(active.viewportY + row);
      for (let column = 0; column < screen.terminal.cols; column += 1) {
        const cell = line?.getCell(column);
        expect(cell?.isBgDefault()).toBe(true);
        // The colour is neither black nor white.
        if (cell?.isFgDefault() === false) expect([1, 2, 3, 4, 5, 6]).toContain(cell.getFgColor() % 8);
      }
    }
  });

  test('shows detail, history and definition of a service', async () => {
    const screen = await top({ rows: 60 });
    screen.keys('j', 'j', KEYS.enter);
    await screen.shows('Definition');
    expect(screen.text).toMatch(/run 1 is ready\n.*run 1 started/);
    expect(screen.text).toContain('Up and ready');
    expect(screen.text).toMatch(/type +"longrun"/);
    screen.keys('q');
    await screen.shows('3 services');
  });

  test('shows all keys for ?, whatever the size', async () => {
    const screen = await top({ rows: 24, columns: 80 });
    screen.keys('?');
    await screen.shows('Keys:');
    for (const word of ['signal', 'mark', 'sort', 'draw again', 'leave']) expect(screen.text).toContain(word);
  });

  test('restores the terminal, also when it is killed', async () => {
    const screen = await top();
    screen.keys('q');
    expect(await screen.exit).toBe(0);
    expect(screen.terminal.buffer.active.type).toBe('normal');
    expect(screen.settings[0]).toBe(screen.settings[1]);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
      program = ScreenProgram.svctl(container.socket, ['top']);
      const other = program;
      await other.shows('3 services');
      process.kill(other.pid, signal);
      await other.exit;
      expect([signal, other.terminal.buffer.active.type]).toEqual([signal, 'normal']);
      expect(other.settings[0]).toBe(other.settings[1]);
      expect(other.written.lastIndexOf('\x1b[?25h')).toBeGreaterThan(other.written.lastIndexOf('\x1b[?25l'));
    }
  });

  test('uses no colours with NO_COLOR', async () => {
    const screen = await top({ env: { NO_COLOR: '1' } });
    await screen.shows(/db +backoff/);
    // Any of the sixteen colours and those of the palette; 39 and 49 are the terminal's own.
    expect(screen.written).not.toMatch(/\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9\d|10\d)[;m]/);
  });

  test('shows that the controller is killed, and goes on with the next one', async () => {
    const screen = await top();
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the connection to be made again', async () => (await container.svctl('status')).code === 0);
    await container.svctl('stop', 'web');
    await screen.shows(/web +down/);
    expect(screen.text).not.toContain('connection lost');
  });

  test('shows that my_init is gone', async () => {
    const screen = await top();
    container.signal('SIGKILL');
    await screen.shows('connection lost');
    screen.keys('q');
    expect(await screen.exit).toBe(0);
  });

  test('refuses to run without a terminal', async () => {
    container = await TestContainer.boot();
    const { code, stderr } = await container.svctl('top');
    expect([code, stderr]).toEqual([
      2,
      'svctl: top needs a terminal\n       svctl status and svctl watch -o jsonl are for programs and pipes.\n',
    ]);
  });
});
