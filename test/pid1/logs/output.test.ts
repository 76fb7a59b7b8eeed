import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ContainerOptions, METRICS, TestContainer } from '../../helpers/container.js';
import { OutputPipe } from '../../helpers/output-pipe.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere } from '../../helpers/whole-run.js';

/** How long nobody reads the container's output; the full test takes a minute. */
const STALL_MS = Number(process.env.TEST_LOG_STALL_SECONDS ?? 8) * 1000;

let container: TestContainer | undefined;
let stdout: OutputPipe;
let stderr: OutputPipe;
beforeEach(() => {
  stdout = new OutputPipe();
  stderr = new OutputPipe();
});
afterEach(async () => {
  await container?.dispose();
  container = undefined;
  stdout.close();
  stderr.close();
});

const memoryKib = (pid: number, kind: string): number =>
  Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

const speaks = { run: sh('echo "to stdout"', 'echo "to stderr" >&2', 'exec sleep 1000') };

describe("the container's output", () => {
  test('raw: the lines as written, stdout to stdout and stderr to stderr', async () => {
    stdout.read();
    stderr.read();
    await boot({ services: { web: speaks }, prepare: apart() });
    await waitFor('both lines', () => stdout.text().includes('to stdout') && stderr.text().includes('to stderr'));
    expect(stdout.text()).toBe('to stdout\n');
    expect(stderr.text()).toMatch(/^(\*\*\* .*\n)*to stderr\n(\*\*\* .*\n)*$/);
  });

  test('prefix: each line after the name of its service, both streams in one', async () => {
    stdout.read();
    await boot({
      services: { web: speaks },
      etc: { 'my_init.d/10_hello': sh('true') },
      args: ['--log-output', 'prefix'],
      prepare: together(),
    });
    await waitFor('both lines', () => ['to stdout', 'to stderr'].every((line) => stdout.text().includes(line)));
    expect(stdout.text()).toMatch(/^web \| to stdout$/m);
    expect(stdout.text()).toMatch(/^web \| to stderr$/m);
    expect(
      stdout
        .text()
        .trimEnd()
        .split('\n')
        .every((line) => /^(web|my_init) \| /.test(line)),
    ).toBe(true);
  });

  test('json: one object per line', async () => {
    stdout.read();
    await boot({
      services: { web: speaks },
      etc: { 'my_init.d/10_hello': sh('true') },
      args: ['--log-output', 'json'],
      prepare: together(),
    });
    await waitFor('both lines', () => ['to stdout', 'to stderr'].every((line) => stdout.text().includes(line)));
    const objects = stdout
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(objects).toContainEqual({ time, service: 'web', stream: 'stdout', text: 'to stdout' });
    expect(objects).toContainEqual({ time, service: 'web', stream: 'stderr', text: 'to stderr' });
    expect(objects).toContainEqual({
      time,
      service: 'my_init',
      stream: 'stderr',
      text: expect.stringMatching(/^\*\*\*/),
    });
  });

  test('none: nothing at all', async () => {
    stdout.read();
    const booted = await boot({
      services: { web: speaks },
      args: ['--log-output', 'none'],
      prepare: together(),
    });
    await waitFor('the line in the log', async () => (await booted.svctl('logs', 'web')).stdout.includes('to stderr'));
    booted.signal('SIGTERM');
    expect(await booted.exit).toBe(0);
    expect(stdout.text()).toBe('');
  });

  test('stays blocking for the main command, which writes to it itself', async () => {
    stdout.read();
    const booted = await boot({
      services: { web: speaks },
      args: ['--', 'sh', '-c', `${untilThere('/run/go')}; echo main; grep flags /proc/self/fdinfo/1; exec sleep 1000`],
      prepare: together(),
    });
    await waitFor('the line of the service', () => stdout.text().includes('to stdout'));
    await booted.exec('touch', '/run/go');
    const flags = await waitFor('the flags', () => /flags:\s+(\d+)/.exec(stdout.text())?.[1]);
    expect(Number.parseInt(flags, 8) & 0o4000).toBe(0);
    expect(stdout.text()).toContain('main\n');
    expect(stdout.text()).toContain('to stdout\n');
  });

  test(
    'holds up nobody while it is stalled: 200 services go on, memory is flat, health answers, gaps count the rest',
    async () => {
      const names = Array.from({ length: 200 }, (_, index) => `s${index}`);
      // 12 lines of 1 kB, two and a half times a second per service: 6 MB a second in all, which is
      // little work for the shells.
      const run = sh(
        'n=0; text=$(printf "%1000s" | tr " " x)',
        'while :; do i=0; while [ $i -lt 12 ]; do n=$((n + 1)); i=$((i + 1)); echo "$n $text"; done; sleep 0.4; done',
      );
      const booted = await boot({
        services: Object.fromEntries(names.map((name) => [name, { run }])),
        args: [...METRICS, '--log-output', 'prefix', '--log-buffer', '128k'],
        prepare: together(),
      });
      for (const name of ['s0', 's199']) await booted.reaches(name, 'up');
      const address = (await booted.info()).httpAddress;
      const pid = booted.controllerPid;
      const linesOf = async () => {
        const text = await (await fetch(`http://${address}/metrics`)).text();
        const values = [...text.matchAll(/^my_init_log_lines_total\{service="s\d+"\} (\d+)$/gm)].map((match) =>
          Number(match[1]),
        );
        return values;
      };
      await delay(1_000);
      const before = {
        lines: await linesOf(),
        anonymous: memoryKib(pid, 'RssAnon'),
        resident: memoryKib(pid, 'VmRSS'),
      };
      const latencies: number[] = [];
      const most = { anonymous: 0, resident: 0 };
      for (const end = Date.now() + STALL_MS; Date.now() < end; await delay(100)) {
        const asked = performance.now();
        const answer = await fetch(`http://${address}/livez`);
        expect(answer.status).toBe(200);
        latencies.push(performance.now() - asked);
        most.anonymous = Math.max(most.anonymous, memoryKib(pid, 'RssAnon'));
        most.resident = Math.max(most.resident, memoryKib(pid, 'VmRSS'));
      }
      const after = await linesOf();
      const slowest = Math.max(...latencies).toFixed(0);
      const lines = after.reduce((a, b) => a + b, 0) - before.lines.reduce((a, b) => a + b, 0);
      console.info(
        `stalled for ${STALL_MS / 1000} s: ${lines} lines; /livez took at most ${slowest} ms; resident ${before.resident} → ${most.resident} kB, anonymous ${before.anonymous} → ${most.anonymous} kB`,
      );
      expect(after).toHaveLength(200);
      // Every service has gone on.
      expect(after.filter((count, index) => count <= (before.lines[index] ?? 0))).toEqual([]);
      expect(most.anonymous - before.anonymous).toBeLessThan(30_000);

      // Now the output is read again: the lines and the gaps of each service account for
      // everything.
      const reached = new Map(names.map((name) => [name, 0]));
      const wrong: string[] = [];
      let [rest, gaps] = ['', 0];
      const account = (line: string): void => {
        const [, gapName = '', gap] = /^\*\*\* (s\d+): (\d+) lines /.exec(line) ?? [];
        const [, name = '', number] = /^(s\d+) \| (\d+) x{1000}$/.exec(line) ?? [];
        if (gap !== undefined) {
          gaps++;
          reached.set(gapName, (reached.get(gapName) ?? 0) + Number(gap));
        } else if (number !== undefined) {
          const expected = (reached.get(name) ?? 0) + 1;
          if (Number(number) !== expected) wrong.push(`${line.slice(0, 40)}, not ${expected}`);
          reached.set(name, Number(number));
        } else if (!line.startsWith('my_init | ')) wrong.push(line);
      };
      stdout.onData = (chunk) => {
        const parts = (rest + chunk.toString('latin1')).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) account(part);
      };
      stdout.read();
      await waitFor(
        'all that was said',
        () => names.every((name, index) => (reached.get(name) ?? 0) >= (after[index] ?? 0)),
        240_000,
      );
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(gaps).toBeGreaterThanOrEqual(200);
    },
    STALL_MS + 600_000,
  );
});

async function boot(options: ContainerOptions): Promise<TestContainer> {
  container = await TestContainer.boot(options);
  return container;
}

const apart = (): string => `exec >${stdout.path} 2>${stderr.path}`;
const together = (): string => `exec >${stdout.path} 2>&1`;
