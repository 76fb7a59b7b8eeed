import { spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type ContainerOptions, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere, wholeRun } from '../../helpers/whole-run.js';

const PRE = 'my_init.pre_shutdown.d';
const POST = 'my_init.post_shutdown.d';
/** A time far away: a test that ends has ended without it. */
const LONG_S = '3600';
const STUBBORN = { run: sh('trap "" TERM', 'echo stubborn runs', 'while :; do sleep 1 & wait; done') };

let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});

const says = (text: string) => waitFor(`"${text}" in the log`, () => container?.log().includes(text));

/** Boots, waits until the log has each text, sends signals, and returns how the container ends. */
async function endOf(
  options: ContainerOptions,
  ready: string | readonly string[],
  ...signals: readonly NodeJS.Signals[]
) {
  container = await TestContainer.boot({ unattended: true, ...options });
  for (const text of [ready].flat()) await says(text);
  const beganAt = Date.now();
  for (const [index, signal] of signals.entries()) {
    if (index > 0) await says('Shutting down');
    container.signal(signal);
  }
  const code = await container.exit;
  return { code, ms: Date.now() - beganAt, log: container.log() };
}

describe('an orderly shutdown', () => {
  test('goes from readiness and the main command over hooks and services to the end', async () => {
    const ready = 'test -e /run/my_init/ready && echo ready file';
    container = await TestContainer.boot({
      usualSocket: true,
      unattended: true,
      etc: {
        [`${PRE}/10`]: sh('echo pre hook 10', ready),
        [`${PRE}/20`]: sh('echo pre hook 20'),
        [`${POST}/10`]: sh('echo post hook'),
      },
      services: {
        a: {
          run: sh('trap "echo service ends; exit 0" TERM', 'echo service runs', 'while :; do sleep 1 & wait; done'),
        },
      },
      args: [
        'sh',
        '-c',
        `trap "echo command ends; exit 3" TERM; until ${ready}; do sleep 0.02; done; while :; do sleep 1 & wait; done`,
      ],
    });
    await says('service runs');
    await says('ready file');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(3);
    const order = container.log().match(/^(ready file|command ends|pre hook \d+|service ends|post hook)$/gm);
    expect(order).toEqual(['ready file', 'command ends', 'pre hook 10', 'pre hook 20', 'service ends', 'post hook']);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGPWR'] as const)(
    'by %s without a main command leaves 0',
    async (signal) => {
      const { code, ms, log } = await endOf(
        { services: { a: { run: sh('echo runs', 'exec sleep 1000') } } },
        'runs',
        signal,
      );
      expect(code).toBe(0);
      expect(log).toContain(`*** Shutting down: ${signal} was received.`);
      console.info(`a well-behaved container stopped in ${ms} ms`);
    },
  );

  test('stops services in parallel', async () => {
    const slow = {
      run: sh(
        `trap "echo told; ${untilThere('/run/go')}; echo ended; exit 0" TERM`,
        'echo runs',
        'while :; do sleep 1 & wait; done',
      ),
    };
    container = await TestContainer.boot({
      unattended: true,
      services: Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, slow])),
      args: ['--shutdown-timeout', '60'],
    });
    await says('runs\nruns\nruns\nruns');
    container.signal('SIGTERM');
    await waitFor('TERM in all four', () => container?.log().match(/^told$/gm)?.length === 4);
    await container.exec('touch', '/run/go');
    await container.exit;
    expect(container.log().match(/^(told|ended)$/gm)).toEqual([...Array(4).fill('told'), ...Array(4).fill('ended')]);
  });

  test('does not restart a service that ends meanwhile', async () => {
    const { log } = await endOf(
      {
        etc: { [`${PRE}/10`]: sh('touch /run/hook', untilThere('/run/over'), 'sleep 0.5') },
        services: {
          a: {
            run: sh('echo runs', untilThere('/run/hook'), 'touch /run/over'),
            'service.yaml': 'restart_delay: { initial: 10ms }\n',
          },
        },
      },
      'runs\n',
      'SIGTERM',
    );
    expect(log.match(/^runs$/gm)).toHaveLength(1);
  });

  test('svctl shutdown sets the exit code and its reason is in the log', async () => {
    container = await TestContainer.boot();
    void container.svctl('shutdown', '--exit-code', '17', '--reason', 'maintenance');
    expect(await container.exit).toBe(17);
    expect(container.log()).toMatch(/\*\*\* Shutting down: shutdown was asked for by uid 0 .*: maintenance\./);
  });

  test('removes the socket and the ready file', async () => {
    const { log } = await endOf(
      {
        usualSocket: true,
        services: {
          a: { run: sh('until test -S /run/my_init/my_init.sock; do sleep 0.02; done; echo runs', 'exec sleep 1000') },
        },
        prepare: 'mkdir /run/my_init',
        etc: { [`${POST}/10`]: sh('ls /run/my_init/ready || echo no ready file') },
      },
      'runs',
      'SIGTERM',
    );
    expect(log).toContain('no ready file');
  });
});

describe('hooks', () => {
  test('do not stop the shutdown if they fail or are not executable', async () => {
    const { log, code } = await endOf(
      {
        etc: {
          [`${PRE}/10`]: sh('exit 3'),
          [`${PRE}/20`]: sh('kill -KILL $$'),
          [`${PRE}/30`]: 'echo plain\n',
        },
        services: { a: { run: sh('echo runs', 'exec sleep 1000') } },
      },
      'runs',
      'SIGTERM',
    );
    expect(log).toContain(`*** /etc/${PRE}/10 failed with status 3; the shutdown goes on`);
    expect(log).toContain(`*** /etc/${PRE}/20 failed: it was killed by KILL; the shutdown goes on`);
    expect(log).toContain(`*** /etc/${PRE}/30 is left out: it is not executable`);
    expect(code).toBe(0);
  });

  test.each([4, 12])('do not stop it if they hang or ignore TERM, within %d s', async (seconds) => {
    const { log, code, ms } = await endOf(
      {
        etc: {
          [`${PRE}/40`]: sh('exec sleep 1000'),
          [`${POST}/10`]: sh('trap "" TERM; while :; do sleep 1 & wait; done'),
          [`${POST}/20`]: sh('echo out of time'),
        },
        services: { a: { run: sh('echo runs', 'exec sleep 1000') } },
        args: ['--shutdown-timeout', String(seconds)],
      },
      'runs',
      'SIGTERM',
    );
    expect(log).toMatch(
      new RegExp(`\\*\\*\\* /etc/${PRE}/40 was ended: it ran longer than [\\d.]+ s; the shutdown goes on`),
    );
    expect(log).toContain(`*** /etc/${POST}/10 does not end; the shutdown goes on`);
    expect(log).toContain(`*** /etc/${POST}/20 is left out: there is no time left for it`);
    expect(ms).toBeLessThan(60_000);
    expect(code).toBe(84);
  });

  test('run with --skip-runit too, and after the main command', async () => {
    const { lines, code } = await wholeRun({
      etc: { [`${PRE}/10`]: sh('echo pre'), [`${POST}/10`]: sh('echo post') },
      args: ['--skip-runit', 'sh', '-c', 'echo command; exit 4'],
    });
    expect(lines.filter((line) => !line.startsWith('***'))).toEqual(['command', 'pre', 'post']);
    expect(code).toBe(4);
  });
});

describe('a process that does not end', () => {
  test('a service that ignores TERM is killed within the default plan, and the code is 84', async () => {
    const { code, ms, log } = await endOf({ services: { stubborn: STUBBORN } }, 'stubborn runs', 'SIGTERM');
    expect(code).toBe(84);
    expect(ms).toBeLessThan(60_000);
    expect(log).toMatch(/\*\*\* Killing stubborn: still running after [78]\.\d s\./);
  });

  test('does not change the code of a main command', async () => {
    const { code } = await endOf(
      {
        services: { stubborn: STUBBORN },
        args: ['--shutdown-timeout', '3', 'sh', '-c', 'trap "exit 0" TERM; echo set; while :; do sleep 1 & wait; done'],
      },
      ['stubborn runs', 'set\n'],
      'SIGTERM',
    );
    expect(code).toBe(0);
  });

  test('is not waited for after a second signal', async () => {
    const { code, log } = await endOf(
      { services: { stubborn: STUBBORN }, args: ['--shutdown-timeout', LONG_S] },
      'stubborn runs',
      'SIGTERM',
      'SIGTERM',
    );
    expect(log).toContain('*** Received SIGTERM during the shutdown: not waiting any longer.');
    expect(log).toContain('*** Killing stubborn: nobody waits any longer.');
    expect(code).toBe(84);
  });

  test('a second signal ends the wait for a hook and a main command', async () => {
    const { log } = await endOf(
      {
        etc: { [`${PRE}/10`]: sh('echo hook'), [`${PRE}/20`]: sh('echo hook') },
        args: ['--shutdown-timeout', LONG_S, 'sh', '-c', 'trap "" TERM; echo set; while :; do sleep 1 & wait; done'],
      },
      'set',
      'SIGTERM',
      'SIGINT',
    );
    expect(log).toContain(`/etc/${PRE}/10 is left out: there is no time left for it`);
  });

  test('KILL_PROCESS_TIMEOUT sets when a service is killed', async () => {
    const { ms, log, code } = await endOf(
      { services: { stubborn: STUBBORN }, env: { KILL_PROCESS_TIMEOUT: '1' } },
      'stubborn runs',
      'SIGTERM',
    );
    expect(log).toMatch(/\*\*\* Killing stubborn: still running after [1-4]\.\d s\./);
    expect(ms).toBeGreaterThanOrEqual(1_000);
    expect(code).toBe(84);
  });

  test('KILL_ALL_PROCESSES_TIMEOUT sets when all remaining processes are killed', async () => {
    const { ms, code } = await endOf(
      {
        // The end of a script that is still running would end its processes too.
        unattended: false,
        etc: { 'my_init.d/10': sh('(trap "" TERM; echo daemon runs; while :; do sleep 1 & wait; done) &') },
        env: { KILL_ALL_PROCESSES_TIMEOUT: '1' },
      },
      'daemon runs',
      'SIGTERM',
    );
    expect(ms).toBeGreaterThanOrEqual(1_000);
    expect(code).toBe(84);
  });

  test('processes that escaped into sessions of their own get TERM, then nothing is left', async () => {
    const { log, code } = await endOf(
      {
        services: {
          leaky: {
            run: sh(
              'setsid sh -c "trap \\"echo escaped ends; exit\\" TERM; echo escaped; while :; do sleep 1 & wait; done" &',
              'exec sleep 1000',
            ),
          },
        },
      },
      'escaped\n',
      'SIGTERM',
    );
    expect(log).toContain('escaped ends');
    expect(code).toBe(0);
  });

  test('a process that entered from outside gets TERM', async () => {
    container = await TestContainer.boot();
    const shell = spawn('nsenter', [
      ...['--target', String(container.pid), '--pid', '--mount', '--', 'sh', '-c'],
      'trap "echo told; exit 5" TERM; echo inside; while :; do sleep 1 & wait; done',
    ]);
    let said = '';
    shell.stdout.on('data', (text) => {
      said += text;
    });
    const exited = new Promise((resolve) => shell.once('exit', resolve));
    await waitFor('the shell', () => said.includes('inside'));
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(await exited).toBe(5);
    expect(said).toContain('told');
  });
});

test('svctl shutdown names the services that still have a process, and no other', async () => {
  container = await TestContainer.boot({
    services: {
      done: { 'service.yaml': 'type: oneshot\ncommand: ["true"]\n' },
      broken: { run: '#!/no/such/interpreter\n' },
      slow: { run: sh('trap "sleep 0.3; exit 0" TERM', 'echo slow runs', 'while :; do sleep 1 & wait; done') },
    },
  });
  await says('slow runs');
  await container.reaches('done', 'completed');
  await container.reaches('broken', 'failed');
  const { stdout } = await container.svctl('shutdown', '-o', 'jsonl');
  const remaining = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).remaining);
  expect(remaining).toContainEqual(['slow']);
  expect(remaining.flat()).not.toContain('done');
  expect(remaining.flat()).not.toContain('broken');
});

describe('a shutdown that comes at a bad moment', () => {
  test('works with a crash loop, a finish script and a stopped service', async () => {
    const { code, log } = await endOf(
      {
        services: {
          loop: { run: sh('echo loop runs', 'exit 1') },
          finishing: { run: sh('exec sleep 1000'), finish: sh('sleep 0.3; echo finish ends') },
          stopped: { run: sh('kill -STOP $$', 'exec sleep 1000') },
        },
      },
      'loop runs',
      'SIGTERM',
    );
    expect(log).toContain('finish ends');
    expect(code).toBe(0);
  });

  test('is completed by the next controller when the controller dies', async () => {
    container = await TestContainer.boot({
      services: {
        slow: { run: sh('trap "sleep 1; echo slow ends; exit 0" TERM', 'while :; do sleep 1 & wait; done') },
      },
    });
    await container.reaches('slow', 'up');
    await container.traps('slow');
    container.signal('SIGTERM');
    await says('Shutting down');
    process.kill(container.controllerPid, 'SIGKILL');
    expect(await container.exit).toBe(0);
    expect(container.log()).toContain('slow ends');
  });
});
