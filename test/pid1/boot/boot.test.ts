import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere, wholeRun } from '../../helpers/whole-run.js';

const SLEEPER = { run: sh('echo service runs', 'touch /run/shown', 'exec sleep 1000') };

/** For scripts that hang. Other scripts keep the default limit. */
const SOON = ['--script-timeout', '0.3'];

let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});

const says = (text: string) => waitFor(`"${text}" in the log`, () => container?.log().includes(text));

describe('startup scripts', () => {
  test('run in the order of their bytes, then rc.local, then the services, then the main command', async () => {
    const { lines, code } = await wholeRun({
      etc: {
        'my_init.d/b': sh('echo b'),
        'my_init.d/10': sh('echo 10'),
        'my_init.d/9': sh('echo 9'),
        'my_init.d/B': sh('echo B'),
        'rc.local': sh('echo rc.local'),
      },
      services: { sleeper: SLEEPER },
      args: ['sh', '-c', `echo command; ${untilThere('/run/shown')}`],
    });
    const said = lines.filter((line) => !line.startsWith('***'));
    expect(said.slice(0, 5)).toEqual(['10', '9', 'B', 'b', 'rc.local']);
    expect(said.slice(5).sort()).toEqual(['command', 'service runs']);
    expect(code).toBe(0);
  });

  test('read the standard input of my_init', async () => {
    const { lines } = await wholeRun({
      input: 'first\nsecond\n',
      etc: { 'my_init.d/10': sh('head -c 6 | sed s/^/script:/') },
      args: ['sed', 's/^/command:/'],
    });
    expect(lines).toContain('script:first');
    expect(lines).toContain('command:second');
  });

  test('get no arguments, default signals, no inherited descriptors, and a session of their own', async () => {
    const { log } = await wholeRun({
      etc: {
        'my_init.d/10': sh(
          'echo arguments $#',
          'grep -E "^Sig(Blk|Ign)" /proc/self/status | tr -s "\\t\\n" "  "; echo',
          // ls reads the directory through descriptor 3.
          'ls -m /proc/self/fd',
          'set -- $(cat /proc/$$/stat); echo leader $(( $1 == $6 ))',
        ),
      },
      args: ['true'],
    });
    expect(log).toContain('arguments 0\n');
    expect(log).toContain('SigBlk: 0000000000000000 SigIgn: 0000000000000000');
    expect(log).toContain('\n0, 1, 2, 3\n');
    expect(log).toContain('leader 1\n');
  });

  test('that are not executable are left out and named', async () => {
    const { log, code } = await wholeRun({
      etc: { 'my_init.d/10_plain': 'echo no\n', 'rc.local': 'echo no\n' },
      args: ['true'],
    });
    expect(log).toContain('*** /etc/my_init.d/10_plain is left out: it is not executable (chmod +x');
    expect(log).toContain('*** /etc/rc.local is left out: it is not executable (chmod +x /etc/rc.local)');
    expect(code).toBe(0);
  });

  test.each([
    ['exits with a status', sh('exit 3'), 'failed with status 3', []],
    ['is killed', sh('kill -KILL $$'), 'failed: it was killed by KILL', []],
    ['dies of a fault', sh('kill -SEGV $$'), 'failed: it was killed by SEGV', []],
    ['has no interpreter', '#!/no/such/shell\n', 'its interpreter /no/such/shell does not exist', []],
    ['has Windows line ends', '#!/bin/sh\r\n', 'has Windows line ends, CRLF', []],
    ['hangs', sh('exec sleep 1000'), 'was ended: it ran longer than 0.3 s', SOON],
    [
      'hangs and ignores TERM',
      sh('trap "" TERM', 'while :; do sleep 1; done'),
      'was ended: it ran longer than 0.3 s',
      SOON,
    ],
  ])('a script that %s ends the container with 1 and the reason', async (_how, script, reason, options) => {
    const { log, code } = await wholeRun({
      etc: { 'my_init.d/10': script, 'my_init.d/20': sh('echo later') },
      services: { sleeper: SLEEPER },
      args: [...options, 'echo', 'command'],
    });
    expect(log).toContain('*** Shutting down: /etc/my_init.d/10 ');
    expect(log).toContain(reason);
    expect(log).not.toMatch(/^(later|service runs|command)$/m);
    expect(code).toBe(1);
  });

  test('may leave a daemon behind, which runs on', async () => {
    const { log } = await wholeRun({
      etc: { 'my_init.d/10': sh('sleep 1000 &', 'echo $! > /run/daemon') },
      args: ['sh', '-c', 'kill -0 $(cat /run/daemon) && echo daemon lives'],
    });
    expect(log).toContain('daemon lives');
  });

  test('are skipped with --skip-startup-files', async () => {
    const { log } = await wholeRun({
      etc: { 'my_init.d/10': sh('echo script'), 'rc.local': sh('echo rc.local') },
      args: ['--skip-startup-files', 'echo', 'command'],
    });
    expect(log).not.toMatch(/^(script|rc.local)$/m);
    expect(log).toMatch(/^command$/m);
  });

  test('can be in the directory that ENV_INIT_DIRECTORY names', async () => {
    const { log } = await wholeRun({
      env: { ENV_INIT_DIRECTORY: '/etc/elsewhere' },
      etc: { 'my_init.d/10': sh('echo usual'), 'elsewhere/10': sh('echo elsewhere') },
      args: ['true'],
    });
    expect(log).toMatch(/^elsewhere$/m);
    expect(log).not.toMatch(/^usual$/m);
  });

  test('let svctl answer while one takes long, and no service is started', async () => {
    container = await TestContainer.boot({
      etc: { 'my_init.d/10': sh('until [ -e /run/go ]; do sleep 0.05; done') },
      services: { sleeper: SLEEPER },
    });
    const info = await container.svctl('info', '-o', 'json');
    expect(info.stdout).toContain('"PHASE_BOOTING"');
    const rescan = container.svctl('rescan');
    expect(container.log()).not.toContain('service runs');
    await container.exec('touch', '/run/go');
    await container.reaches('sleeper', 'up');
    expect((await rescan).code).toBe(0);
  });
});

describe('services', () => {
  test('are not run with --skip-runit', async () => {
    const { log, code } = await wholeRun({
      services: { sleeper: SLEEPER },
      args: ['--skip-runit', 'sh', '-c', 'sleep 0.3; exit 7'],
    });
    expect(log).not.toContain('service runs');
    expect(code).toBe(7);
  });
});

describe('--enable-insecure-key', () => {
  const withProgram = (script: string) => ({
    etc: { enable_insecure_key: script, 'my_init.d/10': sh('echo script') },
    prepare:
      'mkdir -p /run/up /run/work; cp -p /etc/enable_insecure_key /run/up/; mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=/run/up,workdir=/run/work /usr/sbin',
    args: ['--enable-insecure-key', 'true'],
  });

  test('runs the program before the startup scripts', async () => {
    const { lines, code } = await wholeRun(withProgram(sh('echo key')));
    expect(lines.filter((line) => !line.startsWith('***'))).toEqual(['key', 'script']);
    expect(code).toBe(0);
  });

  test('ends the container when the program fails', async () => {
    const { log, code } = await wholeRun(withProgram(sh('exit 9')));
    expect(log).toContain('/usr/sbin/enable_insecure_key failed with status 9');
    expect(log).not.toMatch(/^script$/m);
    expect(code).toBe(1);
  });

  test('ends the container when there is no such program', async () => {
    const { log, code } = await wholeRun({ args: ['--enable-insecure-key', 'true'] });
    expect(log).toContain('/usr/sbin/enable_insecure_key: does not exist');
    expect(code).toBe(1);
  });
});

describe('a signal during the boot', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends the startup script, and nothing is started', async (signal) => {
    container = await TestContainer.boot({
      unattended: true,
      etc: {
        'my_init.d/10': sh('trap "echo told; exit 1" TERM', 'echo script runs', 'while :; do sleep 1 & wait; done'),
        'my_init.d/20': sh('echo later'),
        'my_init.post_shutdown.d/10': sh('echo hook'),
      },
      services: { sleeper: SLEEPER },
    });
    await says('script runs');
    container.signal(signal);
    expect(await container.exit).toBe(0);
    const log = container.log();
    expect(log.indexOf('told')).toBeLessThan(log.indexOf('hook'));
    expect(log).toContain(`*** Shutting down: ${signal} was received.`);
    expect(log).not.toMatch(/^(later|service runs)$/m);
  });

  test('leaves 128 + the signal if the main command was not started yet', async () => {
    container = await TestContainer.boot({
      unattended: true,
      etc: { 'my_init.d/10': sh('echo script runs', 'exec sleep 1000') },
      args: ['echo', 'command'],
    });
    await says('script runs');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(143);
    expect(container.log()).not.toMatch(/^command$/m);
  });

  test('does not wait for a script that ignored an earlier signal', async () => {
    container = await TestContainer.boot({
      unattended: true,
      etc: { 'my_init.d/10': sh('trap "" TERM', 'echo script runs', 'while :; do sleep 1 & wait; done') },
    });
    await says('script runs');
    container.signal('SIGTERM');
    await says('Shutting down');
    container.signal('SIGTERM');
    // Without a KILL the script would end within its 2 s.
    expect(await container.exit).toBe(84);
  });

  test('ends the container at any moment of the first 200 ms, and nothing is started afterwards', async () => {
    for (let delayMs = 0; delayMs <= 200; delayMs += 10) {
      container = await TestContainer.boot({
        unattended: true,
        etc: { 'my_init.d/10': sh('sleep 0.02') },
        services: { sleeper: SLEEPER },
        args: ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 1 & wait; done'],
      });
      await container.hasBlockedSignals();
      // The delay does not synchronise: the moment itself is tested.
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      container.signal('SIGTERM');
      const code = await container.exit;
      expect([5, 143]).toContain(code);
      const [, after = ''] = container.log().split('*** Shutting down');
      expect(after).not.toContain('service runs');
      await container.dispose();
    }
  });
});

describe('the command line', () => {
  test.each([
    ['--help', 'Usage: my_init [OPTIONS] [--] [COMMAND'],
    ['--version', 'my_init 0.'],
  ])('%s answers and ends with 0', async (option, text) => {
    const { log, code } = await wholeRun({ args: [option], etc: { 'my_init.d/10': sh('echo script') } });
    expect(log).toContain(text);
    expect(log).not.toMatch(/^script$/m);
    expect(code).toBe(0);
  });

  test.each([
    [2, ['--skip-startup-fils'], {}, 'did you mean --skip-startup-files?'],
    [2, ['--skip-runit'], {}, 'When --skip-runit is given, you must also pass a main command.'],
    [2, ['--socket', `/run/${'s'.repeat(110)}`, 'true'], {}, '--socket: must have at most 107 bytes'],
    [78, ['true'], { KILL_PROCESS_TIMEOUT: 'soon' }, 'KILL_PROCESS_TIMEOUT: must be a number of seconds'],
    [78, ['true'], { MY_INIT_LOG_LEVEL: 'loud' }, 'MY_INIT_LOG_LEVEL: must be one of'],
  ])('ends with %i before anything is started: %j %j', async (expected, args, env, reason) => {
    const { log, code } = await wholeRun({
      args,
      env,
      etc: { 'my_init.d/10': sh('echo script') },
      services: { sleeper: SLEEPER },
    });
    expect(log).toContain(reason);
    expect(log).not.toMatch(/^(script|service runs)$/m);
    expect(code).toBe(expected);
  });

  test('the command keeps its own options', async () => {
    const { log } = await wholeRun({ args: ['echo', '--quiet', '--', '--version'] });
    expect(log).toMatch(/^--quiet -- --version$/m);
  });

  test('--quiet leaves warnings and errors', async () => {
    const { log } = await wholeRun({
      args: ['--quiet', 'true'],
      etc: { 'my_init.d/10': sh('exit 0'), 'my_init.d/20': 'plain\n' },
    });
    expect(log).toBe('*** /etc/my_init.d/20 is left out: it is not executable (chmod +x /etc/my_init.d/20)\n');
  });
});
