import { execFileSync } from 'node:child_process';
import { cpSync, linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { compileChangedInit } from '../../helpers/changed-native.js';
import { boot, closeBoxes, SOURCES } from '../../helpers/init-harness.js';
import { childrenOf, stateOf } from '../../helpers/processes.js';
import { waitFor } from '../../helpers/wait-for.js';

/** An init that does not wait long for a stopped controller. */
const SOON = join(mkdtempSync(join(tmpdir(), 'my_init-soon-')), 'my_init');
beforeAll(() =>
  compileChangedInit(SOON, { 'controller.c': [['STOPPED_MAY_LIVE (5 * SECOND)', 'STOPPED_MAY_LIVE 100']] }),
);
afterAll(() => rmSync(dirname(SOON), { recursive: true, maxRetries: 20 }));
afterEach(closeBoxes);

describe('init keeps the controller running', () => {
  test('the next controller learns its number and how the one before it ended', async () => {
    const box = boot();
    (await box.ready(1)).order('die', 'SIGKILL');
    const second = await box.ready(2);
    expect(second.lines[0]).toMatch(/^init 1 \S+ 1 1 0 2 /);
    expect(second.lines[1]).toBe('died signal 9');
    second.order('exit', 3);
    const third = await box.ready(3);
    expect(third.lines[0]).toMatch(/^init 1 \S+ 1 1 0 3 /);
    expect(third.lines[1]).toBe('died exit 3');
    expect(box.output).toBe('my_init: the controller ended: signal 9\nmy_init: the controller ended: exit 3\n');
  });

  test('five deaths within a minute end the container, exit 70', async () => {
    const box = boot({ standIn: 'echo ready >&3; exit 4' });
    expect((await box.ended).code).toBe(70);
    expect(box.output.match(/the controller ended: exit 4/g)).toHaveLength(5);
    expect(box.output).toMatch(/my_init: 5 controllers ended within 60 s, the last one: exit 4; ending without it\n$/);
  });

  test('a controller that closes its end of the link but lives is killed, and another started', async () => {
    const box = boot();
    const controller = await box.ready();
    controller.order('closeLink');
    const next = await box.controller(2);
    expect(next.lines[1]).toBe('died signal 9');
  });

  test('a controller that is never ready is killed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'my_init-impatient-'));
    try {
      cpSync(join(SOURCES, 'init'), directory, { recursive: true });
      const source = join(directory, 'controller.c');
      writeFileSync(source, readFileSync(source, 'utf8').replace('READY_WITHIN (60 * SECOND)', 'READY_WITHIN 200'));
      const program = join(directory, 'impatient');
      const sources = execFileSync('sh', ['-c', 'echo *.c'], { cwd: directory, encoding: 'utf8' }).trim().split(' ');
      execFileSync(
        'cc',
        ['-D_GNU_SOURCE', '-DMY_INIT_VERSION="1.0.0"', '-DMY_INIT_NODE="20.12"', '-o', program, ...sources],
        { cwd: directory },
      );
      const box = boot({ program, standIn: 'exec sleep 60' });
      expect((await box.ended).code).toBe(137);
      expect(box.output).toMatch(/^my_init: the controller is not ready; killing it\n$/);
    } finally {
      rmSync(directory, { recursive: true, maxRetries: 20 });
    }
  });

  test('a controller that is stopped before it is ready is killed', async () => {
    const box = boot({ program: SOON, standIn: 'kill -STOP $$; exec sleep 60' });
    expect((await box.ended).code).toBe(137);
    expect(box.output).toBe('my_init: the controller has been stopped for too long; killing it\n');
  });

  test('five controllers stopped before they are ready end the container, exit 70', async () => {
    const standIn =
      'n=$(dirname "$0")/begun; test -e "$n" || { touch "$n"; echo ready >&3; exit 4; }; kill -STOP $$; sleep 60';
    const box = boot({ program: SOON, standIn });
    expect((await box.ended).code).toBe(70);
    expect(box.output).toMatch(
      /my_init: 5 controllers ended within 60 s, the last one: signal 9; ending without it\n$/,
    );
  });

  test('a controller that cannot be started is tried again until it can', async () => {
    const standIn =
      'n=$(dirname "$0")/node; echo ready >&3; test -e "$n-2" || { mv "$n" "$n-2"; exit 1; }; exec sleep 60';
    const box = boot({ standIn });
    const node = join(box.directory, 'node');
    await waitFor('the message', () =>
      box.output.includes('my_init: cannot start the controller, retrying: No such file or directory\n'),
    );
    // node-2 stays: without it the next controller would move its program away again.
    linkSync(`${node}-2`, node);
    await waitFor('a controller', () => childrenOf(box.pid).length > 0);
  });

  test('a controller without a free process is tried again until there is one', async () => {
    const limited =
      'chmod 755 "$(dirname "$0")"; prlimit --nproc=1:100 --pid $$; exec setpriv --pdeathsig KILL --reuid 54321 --clear-groups --inh-caps -all --bounding-set -all "$0" "$@"';
    const box = boot({ standIn: 'exec sleep 60', before: limited });
    await waitFor('the message', () => /^my_init: cannot start the controller, retrying: .+\n$/.test(box.output));
    expect(childrenOf(box.pid)).toEqual([]);
    execFileSync('setpriv', ['--reuid=54321', '--clear-groups', 'prlimit', `--pid=${box.pid}`, '--nproc=100:100']);
    await waitFor('a controller', () => childrenOf(box.pid).length > 0);
  });

  test('an idle init sleeps', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.settle();
    await waitFor('sleep', () => stateOf(box.pid) === 'S');
    const switches = () =>
      /^voluntary_ctxt_switches:\s(\d+)$/m.exec(readFileSync(`/proc/${box.pid}/status`, 'utf8'))?.[1];
    const before = switches();
    await controller.call('block', 1_000);
    expect(switches()).toBe(before);
  });

  test('the memory of init is less than 150 kB', async () => {
    const box = boot();
    await box.ready();
    const rollup = readFileSync(`/proc/${box.pid}/smaps_rollup`, 'utf8');
    expect(Number(/^Pss_Anon:\s+(\d+) kB$/m.exec(rollup)?.[1])).toBeLessThan(150);
  });
});

describe('init withstands whatever a controller says', () => {
  test('unknown and invalid lines are refused one by one and do nothing', async () => {
    const controller = await boot().ready();
    const wrong = [
      ['', 'line: not an order'],
      ['nonsense', 'nonsense: not an order'],
      ['READY', 'READY: not an order'],
      [' ready', 'line: not an order'],
      ['ready ', 'ready: wrong number of arguments'],
      ['ready\r', 'line: not an order'],
      ['watch  7', 'watch: bad argument'],
      ['watch', 'watch: wrong number of arguments'],
      ['watch 7 8', 'watch: wrong number of arguments'],
      ['watch x', 'watch: bad argument'],
      ['watch 1', 'watch: bad argument'],
      ['watch -7', 'watch: bad argument'],
      ['watch 99999999999999999999', 'watch: bad argument'],
      ['watch 2147483648', 'watch: bad argument'],
      ['watch +7', 'watch: bad argument'],
      ['watch 7x', 'watch: bad argument'],
      ['took SIGTERM', 'took: neither a signal nor a pid'],
      ['kill 1 2 65', 'kill: bad argument'],
      ['kill -1 2 9', 'kill: bad argument'],
      ['finish 256 0 0', 'finish: bad argument'],
      ['finish 0 0', 'finish: wrong number of arguments'],
      ['leave -1', 'leave: bad argument'],
      ['deadline -1', 'deadline: bad argument'],
      ['a b c d e', 'a: not an order'],
      ['watch 7\0', 'line: not an order'],
      ['\xe9', 'line: not an order'],
      ['x'.repeat(255), `${'x'.repeat(64)}: not an order`],
      ['x'.repeat(256), 'line: longer than 255 bytes'],
      ['x'.repeat(100_000), 'line: longer than 255 bytes'],
    ] as const;
    await controller.send(...wrong.map(([line]) => line));
    await controller.settle();
    expect(controller.lines.filter((line) => line.startsWith('error '))).toEqual(
      wrong.map(([, text]) => `error ${text}`),
    );
  });

  test('a flood of orders is answered completely, however slowly the answers are read', async () => {
    const controller = await boot().ready();
    const count = 50_000;
    await controller.send(...Array.from({ length: count }, (_, i) => `kill ${i} 1 0`));
    await controller.call('block', 300);
    await controller.hear(`killed ${count - 1} 3`);
    expect(controller.lines.filter((line) => /^killed \d+ 3$/.test(line))).toHaveLength(count);
  });

  test('a line in many pieces is a line', async () => {
    const controller = await boot().ready();
    for (const piece of ['ki', 'll 9', ' ', `${controller.pid}`, ' 0', '\nkill 10 1 0\nki'])
      await controller.call('send', piece);
    await controller.hear('killed 9 0');
    await controller.hear('killed 10 3');
  });
});

describe('init holds descriptors', () => {
  test('descriptors have the same number and content in every controller', async () => {
    const box = boot();
    const controller = await box.ready();
    const names = Array.from({ length: 20 }, (_, i) => `log/service-${i}`);
    for (const name of names) await controller.call('hold', name, join(box.directory, name.replace('/', '-')));
    await controller.settle();
    controller.order('die', 'SIGKILL');
    const second = await box.ready(2);
    const held = second.lines.filter((line) => line.startsWith('held log/'));
    expect(held).toEqual(names.map((name, i) => `held ${name} ${101 + i}`));
    await second.call('append', 101, 'written by the second');
    second.order('exit', 1);
    const third = await box.ready(3);
    expect(third.lines.filter((line) => line.startsWith('held log/'))).toEqual(held);
    expect(await third.call('contents', 101)).toBe('written by the second');
  });

  test('a new descriptor under the same name replaces the old one, a released one is closed', async () => {
    const box = boot();
    const controller = await box.ready();
    for (const [name, file] of [
      ['a', 'one'],
      ['b', 'two'],
      ['a', 'three'],
    ] as const)
      await controller.call('hold', name, join(box.directory, file));
    await controller.settle();
    await controller.send('release b', 'release never-held');
    await controller.settle();
    controller.order('die', 'SIGKILL');
    const next = await box.ready(2);
    expect(next.lines.filter((line) => /^held [ab] /.test(line))).toEqual(['held a 103']);
    const links = await next.call<string[]>('links');
    expect(links).toContain(join(box.directory, 'three'));
    expect(links).not.toContain(join(box.directory, 'one'));
    expect(links).not.toContain(join(box.directory, 'two'));
  });

  test('a descriptor that is sent and released while init does something else is not held', async () => {
    const box = boot();
    const controller = await box.ready();
    box.signal('SIGSTOP');
    await controller.call('hold', 'brief', join(box.directory, 'brief'));
    await controller.send('release brief');
    box.signal('SIGCONT');
    await controller.settle();
    controller.order('die', 'SIGKILL');
    const next = await box.controller(2);
    expect(next.lines.filter((line) => line.startsWith('held brief'))).toEqual([]);
  });

  test('a descriptor that a dying controller has sent just before is held', async () => {
    const box = boot();
    const controller = await box.ready();
    controller.order('hold', 'last', join(box.directory, 'last'));
    controller.order('die', 'SIGKILL');
    const next = await box.controller(2);
    expect(next.lines).toContain('held last 101');
  });

  test('a datagram without a descriptor, a bad name and one descriptor too many are refused', async () => {
    const box = boot({ before: 'ulimit -n 110' });
    const controller = await box.ready();
    await controller.call('datagram', 'nothing');
    await controller.hear('error descriptor: there was none');
    for (const name of ['with space', 'x'.repeat(63), 'n\xe9'])
      await controller.call('hold', name, join(box.directory, 'file'));
    await controller.hear('error descriptor: not a name');
    for (let i = 0; i < 60; i++) await controller.call('hold', `n${i}`, join(box.directory, 'file'));
    await controller.hear('error descriptor: too many are held');
    await controller.send('release n0', 'release n1');
    await controller.settle();
    await controller.call('hold', 'now', join(box.directory, 'file'));
    await controller.settle();
    controller.order('die', 'SIGKILL');
    const next = await box.controller(2);
    expect(next.lines.some((line) => line.startsWith('held now '))).toBe(true);
  });
});
