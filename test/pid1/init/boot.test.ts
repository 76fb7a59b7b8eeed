import { afterEach, describe, expect, test } from '@jest/globals';
import { boot, closeBoxes } from '../../helpers/init-harness.js';

afterEach(closeBoxes);

describe('init starts the controller', () => {
  test('init introduces itself, hands the environment over and says go', async () => {
    const controller = await boot({ before: 'ulimit -Sn 123; ulimit -Hn 4567' }).controller();
    expect(controller.lines[0]).toMatch(/^init 1 \d+\.\d+\.\d+\S* 1 1 0 1 \d+ 123 4567$/);
    expect(controller.lines.slice(1)).toEqual(['reaped 0', 'held environ 100', 'go']);
  });

  test('init as a child reports that it is a subreaper, and its pid', async () => {
    const controller = await boot({ as: 'subreaper' }).controller();
    expect(controller.lines[0]).toMatch(/^init 1 \S+ 2 0 1 1 \d+ \d+ \d+$/);
  });

  test('the environment is kept byte for byte, and the controller has a clean one', async () => {
    const before = String.raw`exec env -i PATH="$PATH" TZ=Asia/Tokyo NODE_OPTIONS=--no-such LD_PRELOAD=/none.so \
      "ODD=$(printf 'a\n\377 =b')" "$0" "$@" 2>/dev/null`;
    const controller = await boot({ before }).controller();
    const environment = await controller.call<string>('contents', 100);
    expect(environment.split('\0')).toEqual(
      expect.arrayContaining(['TZ=Asia/Tokyo', 'NODE_OPTIONS=--no-such', 'LD_PRELOAD=/none.so', 'ODD=a\n\xff =b']),
    );
    expect(environment.endsWith('\0')).toBe(true);
    expect(await controller.call('environment')).toEqual({
      MALLOC_ARENA_MAX: '1',
      MY_INIT_DIRECTORY: process.cwd(),
      MY_INIT_LINK: '1',
      PATH: expect.any(String),
      TZ: 'Asia/Tokyo',
    });
  });

  test('all arguments go to the controller, whatever they look like', async () => {
    const odd = ['--quiet', '--', '', 'a b', '-e', '$(x)'];
    const controller = await boot({ arguments: odd }).controller();
    expect(await controller.call('arguments')).toEqual([
      ...['--max-old-space-size=64', '--max-semi-space-size=1', '--v8-pool-size=1'],
      ...odd,
    ]);
  });

  test('the controller leads a process group, blocks no signal and ignores only what Node ignores', async () => {
    const controller = await boot({ before: "trap '' HUP USR2 QUIT" }).controller();
    const status = await controller.call<string>('status');
    expect(status).toMatch(/^SigBlk:\s0+$/m);
    const ignored = Number.parseInt(/^SigIgn:\s(\w+)$/m.exec(status)?.[1] ?? '', 16);
    const [, , group] = status.slice(status.lastIndexOf(')') + 2).split(' ');
    expect(ignored & ((1 << 0) | (1 << 11) | (1 << 2))).toBe(0);
    expect(Number(group)).toBe(controller.pid);
  });

  test('descriptors that my_init has inherited are closed', async () => {
    const controller = await boot({ before: 'exec 7</dev/zero 8>/dev/null' }).controller();
    const descriptors = await controller.call<number[]>('descriptors');
    expect(descriptors).toEqual(expect.arrayContaining([0, 1, 2, 3, 4, 100]));
    expect(await controller.call<string[]>('links')).not.toContain('/dev/zero');
  });

  test.each([
    ['closed', 'exec <&- >&- 2>&-'],
    ['closed, and there is no /dev/null', 'mount -t tmpfs none /dev; exec <&- >&- 2>&-'],
  ])('my_init works when standard input, output and error are %s', async (_, before) => {
    const box = boot({ before });
    const controller = await box.ready();
    await controller.send('finish 9 84 1000');
    controller.order('exit', 0);
    expect((await box.ended).code).toBe(9);
  });

  test('without controller.js init says so and exits with 127', async () => {
    const box = boot({ before: 'rm "$(dirname "$0")/controller.js"' });
    expect((await box.ended).code).toBe(127);
    expect(box.output).toBe('my_init: cannot find controller.js beside my_init or in /usr/lib/my_init\n');
  });

  test('init names a node that cannot be executed, and exits with 126', async () => {
    const box = boot({ before: 'd=$(dirname "$0"); printf "\\0bad" > "$d/node"; chmod +x "$d/node"', standIn: '' });
    expect((await box.ended).code).toBe(126);
    expect(box.output).toMatch(/^my_init: cannot execute \S+\/node: Exec format error\n$/);
  });

  test('init finds its files when it is started through a link, by a relative path, without /proc', async () => {
    const before =
      'mount -t tmpfs none /proc; cd "$(dirname "$0")"; mkdir -p x; ln -s ../my_init x/init; set -- "$@"; exec x/init "$@"';
    const box = boot({ before });
    await box.controller();
  });
});

const PARALLEL = 4;

/** Runs all, a few at a time. */
async function each<T>(values: readonly T[], run: (value: T) => Promise<void>): Promise<void> {
  const rest = [...values];
  const worker = async () => {
    for (let value = rest.shift(); value !== undefined; value = rest.shift()) await run(value);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

describe('a first controller that is never ready ends the container', () => {
  test('with each of its exit codes', async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const seen: (number | null)[] = [];
    await each(codes, async (code) => {
      const box = boot({ standIn: `exit ${code}` });
      seen[code] = (await box.ended).code;
      await box.close();
    });
    expect(seen).toEqual(codes);
  });

  test('with 128 and the number of each signal that kills it', async () => {
    const harmless = [17, 18, 19, 20, 21, 22, 23, 28, 32, 33];
    const signals = Array.from({ length: 64 }, (_, i) => i + 1).filter((number) => !harmless.includes(number));
    const seen = new Map<number, number | null>();
    await each(signals, async (number) => {
      const box = boot({ standIn: `ulimit -c 0; kill -${number} $$; sleep 60` });
      seen.set(number, (await box.ended).code);
      await box.close();
    });
    expect([...seen.values()]).toEqual([...seen.keys()].map((number) => 128 + number));
  });
});
