import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, wholeRun } from '../../helpers/whole-run.js';

const SLEEPER = {
  run: sh(
    'trap "echo service stops; exit 0" TERM',
    'echo service runs; : > /run/runs',
    'while :; do sleep 1 & wait; done',
  ),
};

let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});

const says = (text: string) => waitFor(`"${text}" in the log`, () => container?.log().includes(text));

describe('the main command', () => {
  test('ends the container; its services run until then', async () => {
    container = await TestContainer.boot({
      unattended: true,
      services: { sleeper: SLEEPER },
      args: ['sh', '-c', 'until [ -e /run/go ]; do sleep 0.05; done; echo command ends; exit 5'],
    });
    // The line of the service passes through its log.
    await says('service runs');
    await container.exec('touch', '/run/go');
    const code = await container.exit;
    const log = container.log();
    expect(log.indexOf('service runs')).toBeLessThan(log.indexOf('command ends'));
    expect(log.indexOf('command ends')).toBeLessThan(log.indexOf('service stops'));
    expect(log).toContain('*** Shutting down: sh exited with status 5.');
    expect(code).toBe(5);
  });

  test('is found in the PATH of the container', async () => {
    const { log } = await wholeRun({
      env: { PATH: `/run/bin:${process.env.PATH}` },
      prepare: `mkdir /run/bin; printf '#!/bin/sh\\necho found\\n' > /run/bin/tool; chmod +x /run/bin/tool`,
      args: ['tool'],
    });
    expect(log).toMatch(/^found$/m);
  });

  test('may be called check', async () => {
    const { log, code } = await wholeRun({
      env: { PATH: `/run/bin:${process.env.PATH}` },
      prepare: `mkdir /run/bin; printf '#!/bin/sh\\necho "checks $1"; exit 3\\n' > /run/bin/check; chmod +x /run/bin/check`,
      args: ['--', 'check', 'it'],
    });
    expect(log).toMatch(/^checks it$/m);
    expect(code).toBe(3);
  });

  test.each([
    ['command', ['svctl', 'status']],
    ['shell', ['sh', '-c', 'svctl status']],
  ])('gets an answer from svctl in its first instant (%s)', async (_, args) => {
    const { code, log } = await wholeRun({
      services: { sleeper: SLEEPER },
      usualSocket: true,
      prepare: `mkdir /run/bin; ln -s ${process.cwd()}/dist/svctl.js /run/bin/svctl`,
      env: { PATH: `/run/bin:${process.env.PATH}` },
      args,
    });
    expect(log).toMatch(/^sleeper +(starting|up)/m);
    expect(code).toBe(0);
  });

  test('gets an answer from svctl although a killed container has left its socket', async () => {
    const listen =
      "require('net').createServer().listen('/run/my_init/old', () => process.kill(process.pid, 'SIGKILL'))";
    const { code, log } = await wholeRun({
      services: { sleeper: SLEEPER },
      usualSocket: true,
      prepare: `mkdir /run/bin /run/my_init; ln -s ${process.cwd()}/dist/svctl.js /run/bin/svctl
        node -e "${listen}" || mv /run/my_init/old /run/my_init/my_init.sock`,
      env: { PATH: `/run/bin:${process.env.PATH}` },
      args: ['svctl', 'status'],
    });
    expect(log).toMatch(/^sleeper +(starting|up)/m);
    expect(code).toBe(0);
  });

  test.each([
    [127, 'no-such-command', 'no-such-command: command not found'],
    [127, '/no/such/command', '/no/such/command: command not found'],
    [126, '/etc/passwd', '/etc/passwd: permission denied (is it an executable file?)'],
    [126, '/etc', '/etc: permission denied (is it an executable file?)'],
    [126, '/etc/no-shebang', '/etc/no-shebang: exec format error (does its first line lack #!/bin/sh ?)'],
    [127, '', ': command not found'],
  ])('ends the container with %i when it is %j', async (expected, command, reason) => {
    const { log, code } = await wholeRun({
      etc: { 'no-shebang': 'echo\n' },
      prepare: 'chmod +x /etc/no-shebang',
      args: ['--', command],
    });
    expect(log).toContain(`*** Shutting down: ${reason}.`);
    expect(code).toBe(expected);
  });

  test('keeps its arguments out of the log', async () => {
    const { log } = await wholeRun({ args: ['sh', '-c', 'true', 'secret'] });
    expect(log).toContain('*** Running sh...');
    expect(log).not.toContain('secret');
  });

  test('leads a process group of its own, with default signals', async () => {
    const { log } = await wholeRun({
      args: ['sh', '-c', 'set -- $(cat /proc/$$/stat); echo leader $(( $1 == $5 )); grep SigIgn /proc/$$/status'],
    });
    expect(log).toContain('leader 1');
    expect(log).toMatch(/SigIgn:\s+0000000000000000/);
  });

  test('gets HUP, QUIT, USR1, USR2 and WINCH, each once', async () => {
    container = await TestContainer.boot({
      unattended: true,
      args: [
        'bash',
        '-c',
        'for s in HUP QUIT USR1 USR2 WINCH; do trap "echo got $s" $s; done; echo set; while :; do sleep 1 & wait; done',
      ],
    });
    await says('set');
    for (const name of ['HUP', 'QUIT', 'USR1', 'USR2', 'WINCH'] as const) {
      container.signal(`SIG${name}`);
      await says(`got ${name}`);
    }
    expect(container.log().match(/^got /gm)).toHaveLength(5);
  });

  test.each([
    ['SIGTERM', 'TERM'],
    ['SIGINT', 'INT'],
  ] as const)('gets %s as it is, and the exit code of the command counts', async (signal, name) => {
    container = await TestContainer.boot({
      unattended: true,
      services: { sleeper: SLEEPER },
      args: ['bash', '-c', `trap "echo got ${name}; exit 7" ${name}; echo set; while :; do sleep 1 & wait; done`],
    });
    await says('set');
    await says('service runs');
    container.signal(signal);
    expect(await container.exit).toBe(7);
    const log = container.log();
    expect(log.indexOf(`got ${name}`)).toBeLessThan(log.indexOf('service stops'));
  });

  test('exits with 143 without a handler for TERM', async () => {
    container = await TestContainer.boot({ unattended: true, args: ['sleep', '1000'] });
    await says('Running sleep');
    await waitFor('sleep', async () => (await container?.exec('pgrep', '-x', 'sleep'))?.code === 0);
    container.signal('SIGTERM');
    expect(await container.exit).toBe(143);
    expect(container.log()).toContain('*** Shutting down: SIGTERM was received.');
  });

  test('is killed if it ignores TERM, and exits with 137', async () => {
    container = await TestContainer.boot({
      unattended: true,
      args: ['--shutdown-timeout', '1', 'sh', '-c', 'trap "" TERM; echo set; while :; do sleep 1 & wait; done'],
    });
    await says('set');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(137);
    expect(container.log()).toMatch(/\*\*\* Killing the main command \(PID \d+\): still running after [\d.]+ s\./);
  });

  test('gets its TERM also while it is stopped', async () => {
    container = await TestContainer.boot({
      unattended: true,
      args: ['sh', '-c', 'trap "exit 6" TERM; echo set; kill -STOP $$; while :; do sleep 1 & wait; done'],
    });
    await says('set');
    await waitFor('it to be stopped', async () =>
      (await container?.exec('ps', '-eo', 'stat,comm'))?.stdout.match(/^T\S* +sh$/m),
    );
    container.signal('SIGTERM');
    expect(await container.exit).toBe(6);
  });

  test('survives a controller, and its exit is not lost', async () => {
    container = await TestContainer.boot({ args: ['sh', '-c', 'until [ -e /run/go ]; do sleep 0.02; done; exit 9'] });
    process.kill(container.controllerPid, 'SIGKILL');
    await says('was started again');
    await container.exec('touch', '/run/go');
    expect(await container.exit).toBe(9);
  });
});
