/** @needs nginx */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { LogFollower } from '../../helpers/log-follower.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

let container: TestContainer;
let follower: LogFollower | undefined;
afterEach(async () => {
  follower?.close();
  follower = undefined;
  await container.dispose();
});

const residentKib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

describe('the output of a service', () => {
  test('is stored to the instant of the exit, and before the exit is reported, in hundreds of short runs', async () => {
    const names = Array.from({ length: 150 }, (_, index) => `short${index}`);
    container = await TestContainer.boot({
      services: Object.fromEntries(
        names.map((name) => [name, { run: sh('echo first', 'printf "last words"', 'exit 3') }]),
      ),
    });
    follower = new LogFollower(container.socket, {});
    const exits = () => follower?.told.filter((word) => word.endsWith(' EXITED')) ?? [];
    await waitFor('300 exits', () => exits().length >= 300);
    const byService = new Map(names.map((name): [string, string[]] => [name, []]));
    for (const word of follower.told) {
      const [name = '', ...rest] = word.split(' ');
      if (rest[0] === 'READY') continue;
      byService.get(name)?.push(rest.join(' '));
    }
    for (const [name, words] of byService) {
      const runs = words.join(',').split('STARTED,').slice(1, -1);
      expect([name, ...runs]).toEqual([name, ...runs.map(() => 'first,last words,EXITED,')]);
    }
  });

  test('on standard error survives a burst on standard output, before it and after it', async () => {
    container = await TestContainer.boot({
      services: {
        web: { run: sh('echo early >&2', 'sleep 0.2', 'seq 1 200000', 'echo oops >&2', 'exec sleep 1000') },
      },
    });
    const words = async () => (await container.svctl('logs', 'web')).stdout.trim().split('\n');
    const told = await waitFor('the last words', async () => {
      const lines = await words();
      return lines.at(-1)?.endsWith('oops') && lines;
    });
    expect(told[0]).toMatch(/early$/);
    expect(told.at(-2)).toMatch(/200000$/);
    process.kill(container.controllerPid, 'SIGKILL');
    expect(await waitFor('the next controller', async () => (await words()).length === told.length && words())).toEqual(
      told,
    );
  });

  test('is not waited for when a leftover process holds the pipe', async () => {
    container = await TestContainer.boot({
      services: { leaves: { run: sh('setsid sleep 1000 &', 'echo bye', 'exit 3') } },
    });
    await container.reaches('leaves', 'backoff');
    expect((await container.svctl('logs', 'leaves')).stdout).toContain('bye');
  });

  test('through /dev/stdout and /dev/stderr is captured, as root and as another user', async () => {
    container = await TestContainer.boot({
      services: {
        root: { run: sh('echo out >/dev/stdout', 'echo err >/dev/stderr', 'exec sleep 1000') },
        other: {
          run: sh(
            `exec setpriv --reuid 1234 --regid 1234 --clear-groups sh -c 'echo out >/dev/stdout; echo err >/dev/stderr; exec sleep 1000'`,
          ),
        },
      },
    });
    const lines = async (name: string) => (await container.svctl('logs', name)).stdout;
    for (const name of ['root', 'other'])
      await waitFor(`both lines of ${name}`, async () => /out\n(.*\n)*err\n/.test(await lines(name)));
  });

  test('is captured from nginx, which logs to /dev/stdout as an unprivileged user', async () => {
    chmodSync(nginxDirectory, 0o777);
    container = await TestContainer.boot({
      services: {
        nginx: {
          run: sh(
            'exec setpriv --reuid 33 --regid 33 --clear-groups nginx -p "$PWD" -c "$PWD/nginx.conf" -e /dev/stderr',
          ),
          'nginx.conf': nginxConfiguration(),
        },
      },
    });
    await container.reaches('nginx', 'up');
    const get = (path: string) =>
      new Promise<number | undefined>((resolve) => {
        request({ socketPath: join(nginxDirectory, 'socket'), path }, (answer) => resolve(answer.resume().statusCode))
          .on('error', () => resolve(undefined))
          .end();
      });
    await waitFor('an answer of nginx', async () => (await get('/hello')) === 200);
    expect(await get('/no-such-page')).toBe(404);
    const log = () => container.svctl('logs', 'nginx', '--stream', 'stdout');
    const seen = await waitFor('the access log', async () => {
      const { stdout } = await log();
      return stdout.includes('no-such-page') && stdout;
    });
    expect(seen).toMatch(/"GET \/hello HTTP\/1\.1" 200/);
    rmSync(nginxDirectory, { recursive: true, maxRetries: 20 });
  });

  test('is stored up to the moment when the writer is killed in mid-line; the next run begins a new line', async () => {
    container = await TestContainer.boot({
      services: { half: { run: sh('echo run', 'printf "half a li"', 'kill -9 $$') } },
    });
    follower = new LogFollower(container.socket, { selector: { names: ['half'] } });
    const words = ['half STARTED', 'half run', 'half half a li', 'half EXITED'];
    await waitFor('two runs', () => (follower?.told.filter((word) => word === 'half EXITED').length ?? 0) >= 2);
    expect(follower.told.filter((word) => word !== 'half READY').slice(0, 8)).toEqual([...words, ...words]);
  });

  test('is counted to the byte when it is 100 MB without a line end, and costs no memory', async () => {
    container = await TestContainer.boot({
      services: { zeros: { run: sh('[ -e begin ] || exit 0', 'head -c 100000000 /dev/zero', 'exec sleep 1000') } },
      args: [...METRICS, '--log-output', 'none'],
    });
    await container.reaches('zeros', 'backoff');
    const before = residentKib(container.controllerPid);
    container.write('zeros/begin', '');
    await waitFor(
      'all of it',
      async () => (await container.metric('my_init_log_bytes_total{service="zeros"}')) === 100_000_000,
      240_000,
    );
    expect(residentKib(container.controllerPid) - before).toBeLessThan(40_000);
  });
});

describe('the output of my_init', () => {
  test('and of its startup scripts and hooks is the log my_init', async () => {
    container = await TestContainer.boot({
      etc: {
        'my_init.d/10_one': sh('echo script out', 'echo script err >&2'),
        'my_init.pre_shutdown.d/10_hook': sh('echo hook out'),
      },
      args: ['--log-output', 'prefix'],
    });
    follower = new LogFollower(container.socket, { selector: { names: ['my_init'] } });
    await waitFor('the script', () => follower?.told.includes('my_init script err'));
    expect(follower.told).toEqual(
      expect.arrayContaining(['my_init script out', expect.stringMatching(/^my_init \*\*\* Running .*10_one/)]),
    );
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(container.log()).toContain('\nmy_init | hook out\n');
  });
});

const nginxDirectory = mkdtempSync('/tmp/my_init-nginx-');

function nginxConfiguration(): string {
  return `
    daemon off;
    pid ${nginxDirectory}/pid;
    error_log /dev/stderr;
    events {}
    http {
      access_log /dev/stdout;
      client_body_temp_path ${nginxDirectory}/body;
      proxy_temp_path ${nginxDirectory}/proxy;
      fastcgi_temp_path ${nginxDirectory}/fastcgi;
      uwsgi_temp_path ${nginxDirectory}/uwsgi;
      scgi_temp_path ${nginxDirectory}/scgi;
      server {
        listen unix:${nginxDirectory}/socket;
        location = /hello { return 200 hello; }
        location / { return 404; }
      }
    }
  `;
}
