import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { run, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const SVCTL = fileURLToPath(new URL('../../../dist/svctl.js', import.meta.url));

let container: TestContainer;
let follower: ChildProcess | undefined;
afterEach(async () => {
  follower?.kill('SIGKILL');
  follower = undefined;
  await container.dispose();
});

describe('svctl logs', () => {
  test('-f repeats nothing, misses nothing and prints no message when the controller is killed or replaced', async () => {
    const count = 'n=0; until [ -e enough ]; do seq $((n + 1)) $((n + 10)); n=$((n + 10)); sleep 0.1; done; echo end';
    container = await TestContainer.boot({ services: { web: { run: sh(count, 'exec sleep 1000') } } });
    const svctl = spawn(SVCTL, ['--socket', container.socket, 'logs', '-f', '-n', '1000', 'web']);
    follower = svctl;
    let [stdout, stderr] = ['', ''];
    svctl.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    svctl.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = new Promise((resolve) => svctl.once('exit', (code, signal) => resolve(code ?? signal)));
    const moreLines = (before = stdout.length) => waitFor('more lines', () => stdout.length > before + 100);
    for (const end of ['kill', 'reexec', 'kill', 'reexec']) {
      await moreLines();
      if (end === 'kill') process.kill(container.controllerPid, 'SIGKILL');
      else expect((await container.svctl('reexec', '--timeout', '120')).code).toBe(0);
    }
    container.write('web/enough', '');
    await waitFor('the last line', () => stdout.endsWith('\nend\n'));
    const lines = stdout.split('\n').slice(0, -2);
    expect(lines).toEqual(lines.map((_, index) => String(index + 1)));
    svctl.kill('SIGINT');
    expect([await ended, stderr]).toEqual(['SIGINT', '']);
  });

  test('--markers shows the end of a oneshot where it happened', async () => {
    container = await TestContainer.boot({
      services: { once: { run: sh('echo done'), 'service.yaml': 'type: oneshot\n' } },
    });
    await container.reaches('once', 'completed');
    expect((await container.svctl('logs', '--markers', 'once')).stdout).toBe(
      '-- once: run 1 started --\ndone\n-- once: run 1 ended: exit 0 --\n',
    );
  });

  test('prints bytes unchanged into a pipe, in base64 beside the text in JSON, and harmless on a terminal', async () => {
    const odd = String.raw`printf 'nul \000 red \033[31m title \033]0;x\007 latin1 \351\n'`;
    container = await TestContainer.boot({ services: { odd: { run: sh(odd, 'exec sleep 1000') } } });
    const bytes = Buffer.from('nul \0 red \x1b[31m title \x1b]0;x\x07 latin1 \xe9', 'latin1');
    const ask = (...options: string[]) => run(SVCTL, ['--socket', container.socket, 'logs', 'odd', ...options]);
    await waitFor('the line', async () => (await ask()).stdout !== '');
    const base64 = await run('sh', ['-c', `${SVCTL} --socket ${container.socket} logs odd | base64 -w0`]);
    expect(Buffer.from(base64.stdout, 'base64')).toEqual(Buffer.concat([bytes, Buffer.from('\n')]));
    const json = (await ask('-o', 'json')).stdout.split('\n').filter((line) => line.includes('"text"'));
    expect(json.map((line) => JSON.parse(line).bytes)).toEqual([bytes.toString('base64')]);
    const terminal = await run('script', ['-qec', `${SVCTL} --socket ${container.socket} logs odd`, '/dev/null']);
    expect(terminal.stdout).toBe('nul \\x00 red \\x1b[31m title \\x1b]0;x\\x07 latin1 \ufffd\r\n');
  });

  test("the last lines of a failed start are in the error of svctl start, and under the service's status", async () => {
    container = await TestContainer.boot({
      services: {
        broken: {
          down: '',
          run: sh('echo "cannot bind to port 80"', 'echo "giving up" >&2', 'exit 3'),
          check: sh('exit 1'), // never ready, however slowly it fails
        },
      },
    });
    const start = await container.svctl('start', 'broken');
    expect(start.code).toBe(9);
    expect(start.stderr).toMatch(/\| cannot bind to port 80\n/);
    expect(start.stderr).toMatch(/\| giving up\n/);
    await container.reaches('broken', 'backoff');
    expect(await container.table('broken')).toMatch(/\| cannot bind to port 80\n(.*\n)*.*\| giving up\n/);
  });

  test('exits with 0, 2 for a wrong option, 4 for an unknown service, 7 where no my_init answers', async () => {
    container = await TestContainer.boot({ services: { web: { run: sh('echo hello', 'exec sleep 1000') } } });
    const codes = await Promise.all(
      [['web'], ['--grep', '(a'], ['wep'], ['--socket', '/nowhere']].map(
        async (words) => (await container.svctl('logs', ...words)).code,
      ),
    );
    expect(codes).toEqual([0, 2, 4, 7]);
  });
});
