import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { freePort } from '../../helpers/free-port.js';
import { testWith } from '../../helpers/programs.js';
import { waitFor } from '../../helpers/wait-for.js';
import { untilThere } from '../../helpers/whole-run.js';

const MEMCACHED = { program: 'memcached', package: 'memcached' };
const REDIS = { program: 'redis-server', package: 'redis-server' };
const NGINX = { program: 'nginx', package: 'nginx-light' };
const NOTIFY = { program: 'systemd-notify', package: 'systemd' };
const PYTHON = { program: 'python3', package: 'python3' };
const GRPC = { program: '/usr/lib/python3/dist-packages/grpc', package: 'python3-grpcio' };

let container: TestContainer;
afterEach(() => container.dispose());

/** A container whose services are those of `services.yaml`. */
async function boot(yaml: string, more: Readonly<Record<string, string>> = {}, args = METRICS): Promise<void> {
  container = await TestContainer.boot({
    etc: { 'my_init/services.yaml': yaml, ...more },
    // A service may write there, whatever its user.
    prepare: 'chmod 777 /run',
    args,
  });
}

const isReady = async (name: string): Promise<boolean> => (await container.status(name)).ready === true;

const becomesReady = (name: string, ready = true): Promise<unknown> =>
  waitFor(`${name} to be ${ready ? 'ready' : 'not ready'}`, async () => (await isReady(name)) === ready).catch(
    async (error: unknown) => {
      throw new Error(`${String(error)}\n${await container.table(name)}\n${container.log()}`);
    },
  );

/** The text of the last marker of a kind in its log. */
async function logOf(name: string): Promise<string> {
  return (await container.svctl('logs', name)).stdout;
}

/**
 * Waits until the service looks for `/run/go`. Its start may take longer than a controller may be
 * stopped.
 */
const isWaiting = (): Promise<true> =>
  waitFor('the service to wait', () => existsSync(`/proc/${container.pid}/root/run/waits`));

/**
 * Stops the controller, lets the service go on, waits until the service has said so, and kills the
 * controller.
 */
async function withoutController(): Promise<void> {
  await isWaiting();
  const { controllerPid } = container;
  process.kill(controllerPid, 'SIGSTOP');
  await container.exec('sh', '-c', `touch /run/go; ${untilThere('/run/said')}`);
  process.kill(controllerPid, 'SIGKILL');
}

/** A Python program in one line of YAML. */
const python = (code: string): string => JSON.stringify(['python3', '-uc', code]);

const SAY = `
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
say = lambda text: s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
`;

describe('a probe', () => {
  testWith([MEMCACHED], 'tcp: memcached is ready when it listens; what says so says it together', async () => {
    const port = await freePort();
    // memcached begins to listen when the test says so.
    const wait = `while [ ! -e /run/go ]; do sleep 0.01; done; exec memcached -u nobody -l 127.0.0.1 -p ${port}`;
    await boot(`services: { cache: { command: ${JSON.stringify(wait)}, ready: { tcp: "127.0.0.1:${port}" } } }`);
    const waiting = await waitFor('a word about it', async () => {
      const status = await container.status('cache');
      return status.trouble !== '' && status;
    });
    expect(waiting).toMatchObject({
      state: 'SERVICE_STATE_STARTING',
      trouble: `127.0.0.1:${port}: connection refused`,
    });
    expect(waiting.ready).not.toBe(true);
    expect((await container.svctl('health', 'readiness')).code).not.toBe(0);
    const started = container.svctl('start', 'cache', '--wait', 'ready');
    await container.exec('touch', '/run/go');
    expect((await started).code).toBe(0);
    expect(await container.status('cache')).toMatchObject({ ready: true, state: 'SERVICE_STATE_UP', trouble: '' });
    expect((await container.svctl('health', 'readiness')).code).toBe(0);
    expect((await container.svctl('health', 'service/cache')).code).toBe(0);
    expect(await container.metric('my_init_service_ready{service="cache"}')).toBe(1);
  });

  testWith([REDIS], 'exec: redis is ready when redis-cli gets its answer', async () => {
    const port = await freePort();
    await boot(`
services:
  redis:
    command: [redis-server, --port, "${port}", --save, "", --dir, /tmp]
    user: nobody
    ready: { exec: [redis-cli, -p, "${port}", --no-auth-warning, -e, ping] }
`);
    await becomesReady('redis');
    expect(await logOf('redis')).toContain('Ready to accept connections');
  });

  testWith([NGINX], 'http: nginx is ready when it answers, and not ready when it answers with an error', async () => {
    const port = await freePort();
    const config = `
daemon off; pid /run/nginx.pid; error_log stderr;
events {}
http {
  access_log off;
  server { listen 127.0.0.1:${port}; location = /health { if (-f /run/broken) { return 503; } return 204; } }
}`;
    await boot(
      `
services:
  web:
    command: [/usr/sbin/nginx, -c, /etc/site.conf]
    ready: { http: "http://127.0.0.1:${port}/health", interval: 100ms, failures: 2 }
`,
      { 'site.conf': config },
    );
    await becomesReady('web');
    await container.exec('touch', '/run/broken');
    await becomesReady('web', false);
    expect(await container.status('web')).toMatchObject({
      state: 'SERVICE_STATE_UP',
      trouble: `http://127.0.0.1:${port}/health: answers 503`,
    });
    expect((await container.svctl('health', 'readiness')).code).not.toBe(0);
    await container.exec('rm', '/run/broken');
    await becomesReady('web');
    expect((await container.status('web')).trouble ?? '').toBe('');
  });

  testWith([PYTHON, GRPC], 'grpc: a server is ready when its health says SERVING', async () => {
    const port = await freePort();
    const server = `
import grpc, os, time
from concurrent import futures
class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method != '/grpc.health.v1.Health/Check': return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b'\\x08\\x01' if os.path.exists('/run/serving') else b'\\x08\\x02')
server = grpc.server(futures.ThreadPoolExecutor())
server.add_generic_rpc_handlers((Health(),))
server.add_insecure_port('127.0.0.1:${port}')
server.start()
server.wait_for_termination()
`;
    await boot(
      `services: { api: { command: ${python(server).replace('python3', '/usr/bin/python3')}, ready: { grpc: { address: "127.0.0.1:${port}", service: "" } } } }`,
    );
    await waitFor('its health to be asked', async () =>
      String((await container.status('api')).trouble).includes('answers NOT_SERVING'),
    );
    await container.exec('touch', '/run/serving');
    await becomesReady('api');
  });

  test('exec runs as the user of the service, in its directory, with its environment', async () => {
    const check = 'echo "$(id -un) $PWD $COLOR"; exit 3';
    await boot(`
services:
  web:
    command: [sleep, "1000"]
    user: nobody
    working_dir: /usr
    environment: { COLOR: green }
    ready: { exec: [sh, -c, ${JSON.stringify(check)}] }
`);
    await waitFor(
      'its word',
      async () => (await container.status('web')).trouble === 'sh: exit code 3: nobody /usr green',
    );
  });

  test('a check that hangs does not outlive the controller that made it', async () => {
    await boot(`services: { web: { command: [sleep, "1000"], ready: { exec: [sleep, "4711"], timeout: 1h } } }`);
    const checks = async (): Promise<readonly string[]> =>
      (await container.exec('pgrep', '-x', '-f', 'sleep 4711')).stdout.split('\n').filter(Boolean);
    const [first] = await waitFor('a check', async () => {
      const pids = await checks();
      return pids.length === 1 && pids;
    });
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('another check in its place', async () => {
      const pids = await checks();
      return pids.length === 1 && pids[0] !== first;
    });
  });

  test('a service that is not ready in time is stopped, with the reason', async () => {
    await boot(`services: { web: { command: [sleep, "1000"], ready: { file: /run/never }, start_timeout: 5s } }`);
    const status = await container.reaches('web', 'backoff');
    expect(status.trouble).toMatch(/^was not ready \d+ ms after its start \(\/run\/never: does not exist\)/);
  });

  test('the script check of a service directory is its readiness', async () => {
    container = await TestContainer.boot({
      services: { web: { run: '#!/bin/sh\nexec sleep 1000\n', check: '#!/bin/sh\ntest -e /run/ready\n' } },
    });
    await waitFor('its word', async () =>
      String((await container.status('web')).trouble).includes('check: exit code 1'),
    );
    expect(await isReady('web')).toBe(false);
    await container.exec('touch', '/run/ready');
    await becomesReady('web');
  });
});

describe('pushed readiness', () => {
  testWith([NOTIFY], 'notify: systemd-notify in a script', async () => {
    const script =
      'until [ -e /run/go ]; do sleep 0.01; done; systemd-notify --ready --status="all there"; exec sleep 1000';
    await boot(`services: { web: { command: ${JSON.stringify(script)}, ready: { notify: true } } }`);
    await container.reaches('web', 'starting');
    await container.exec('touch', '/run/go');
    await becomesReady('web');
  });

  testWith(
    [PYTHON],
    'notify: what a service says when there is no controller is heard by the next; STOPPING ends readiness',
    async () => {
      const code = `${SAY}
open("/run/waits", "w")
while not os.path.exists("/run/go"): time.sleep(0.01)
say("READY=1")
open("/run/said", "w")
while not os.path.exists("/run/stop"): time.sleep(0.01)
say("STOPPING=1")
time.sleep(1000)
`;
      await boot(`services: { web: { command: ${python(code)}, user: nobody, ready: { notify: true } } }`);
      const { pid } = await waitFor('its process', async () => {
        const status = await container.status('web');
        return status.pid > 0 && status;
      });
      await withoutController();
      await becomesReady('web');
      expect((await container.status('web')).pid).toBe(pid);
      process.kill(container.controllerPid, 'SIGKILL');
      await waitFor('the next controller', () => container.answers());
      expect(await isReady('web')).toBe(true);
      await container.exec('touch', '/run/stop');
      await becomesReady('web', false);
      expect((await container.status('web')).trouble).toBe('says that it is stopping');
    },
  );

  testWith([PYTHON], 'notify: STATUS and RELOADING are shown, also by the next controller', async () => {
    const code = `${SAY}
say("READY=1\\nSTATUS=3 of 5 caches are warm")
while not os.path.exists("/run/reload"): time.sleep(0.01)
say("RELOADING=1\\nSTATUS=reads its routes")
while not os.path.exists("/run/go"): time.sleep(0.01)
say("READY=1\\nSTATUS=")
time.sleep(1000)
`;
    await boot(`services: { web: { command: ${python(code)}, ready: { notify: true } } }`);
    await becomesReady('web');
    await waitFor('its words', async () => /^ {4}3 of 5 caches are warm$/m.test(await container.table('web')));
    await container.exec('touch', '/run/reload');
    const isReloading = async () =>
      /^web +up, reloading +yes .*\n {4}reads its routes$/m.test(await container.table('web'));
    await waitFor('a reload', isReloading);
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', () => container.answers());
    await waitFor('a reload on record', isReloading);
    await container.exec('touch', '/run/go');
    await waitFor('no words', async () => !/reload|routes/.test(await container.table('web')));
    expect(await isReady('web')).toBe(true);
  });

  testWith([PYTHON], 'notify: BARRIER=1 is answered by the controller that has heard all before it', async () => {
    const code = `${SAY}
open("/run/waits", "w")
while not os.path.exists("/run/go"): time.sleep(0.01)
say("READY=1\\nSTATUS=warm")
heard, answer = os.pipe()
s.connect(os.environ["NOTIFY_SOCKET"])
socket.send_fds(s, [b"BARRIER=1"], [answer])
os.close(answer)
open("/run/sent", "w")
assert os.read(heard, 1) == b""
open("/run/answered", "w")
time.sleep(1000)
`;
    await boot(`services: { web: { command: ${python(code)}, ready: { notify: true } } }`);
    await container.reaches('web', 'starting');
    await isWaiting();
    const { controllerPid } = container;
    process.kill(controllerPid, 'SIGSTOP');
    await container.exec('sh', '-c', `touch /run/go; ${untilThere('/run/sent')}`);
    expect((await container.exec('ls', '/run')).stdout).not.toContain('answered');
    process.kill(controllerPid, 'SIGKILL');
    await container.exec('sh', '-c', 'until [ -e /run/answered ]; do sleep 0.01; done');
    await waitFor('the next controller', () => container.answers());
    expect(await container.status('web')).toMatchObject({ ready: true, statusText: 'warm', run: 1 });
  });

  testWith([PYTHON], 'notify: EXTEND_TIMEOUT_USEC gives a start and a stop more time than they have', async () => {
    const extend = 'say("EXTEND_TIMEOUT_USEC=600000000")\nwhile not os.path.exists("/run/go"): time.sleep(0.01)';
    const starts = `${SAY}${extend}\nsay("READY=1")\ntime.sleep(1000)\n`;
    const stops = `${SAY}
import signal
def stop(*_):
    ${extend.replace('\n', '\n    ')}
    sys.exit(42)
signal.signal(signal.SIGTERM, stop)
say("READY=1")
while True: time.sleep(1000)
`;
    const limits = 'start_timeout: 8s, stop_grace_period: 8s';
    // The two other services have the same limits, begin later, and say nothing.
    await boot(`
services:
  starts: { command: ${python(starts)}, ready: { notify: true }, ${limits} }
  stops: { command: ${python(stops)}, ready: { notify: true }, ${limits} }
  late: { command: sleep 1000, ready: { notify: true }, ${limits}, restart: no, depends_on: { starts: { condition: started } } }
  stubborn: { command: "trap '' TERM; touch /run/trapped; while :; do sleep 1 & wait; done", ${limits} }
`);
    await becomesReady('stops');
    await container.exec('sh', '-c', 'until [ -e /run/trapped ]; do sleep 0.01; done');
    await container.svctl('stop', 'stops', '--no-wait');
    await container.svctl('stop', 'stubborn');
    expect(await container.status('stubborn')).toMatchObject({ lastExit: { signal: 'KILL' } });
    expect(await container.status('stops')).toMatchObject({ state: 'SERVICE_STATE_STOPPING' });
    expect((await container.reaches('late', 'failed')).trouble).toMatch(/^was not ready \d+ ms after its start/);
    expect(await container.status('starts')).toMatchObject({ state: 'SERVICE_STATE_STARTING' });
    await container.exec('touch', '/run/go');
    await becomesReady('starts');
    expect(await container.status('starts')).toMatchObject({ run: 1 });
    expect(await container.reaches('stops', 'down')).toMatchObject({ lastExit: { code: 42, run: 1 } });
  });

  test('notify_fd: a newline on the descriptor makes it ready, as with s6, whatever its number', async () => {
    const script = (fd: number): string =>
      JSON.stringify(`until [ -e /run/go ]; do sleep 0.01; done; echo >&${fd}; exec ${fd}>&-; exec sleep 1000`);
    await boot(`
services:
  three: { command: ${script(3)}, ready: { notify_fd: 3 } }
  four: { command: ${script(4)}, ready: { notify_fd: 4 } }
  nine: { command: ${script(9)}, ready: { notify_fd: 9 } }
`);
    for (const name of ['three', 'four', 'nine']) await container.reaches(name, 'starting');
    process.kill(container.controllerPid, 'SIGKILL');
    await container.exec('touch', '/run/go');
    for (const name of ['three', 'four', 'nine']) await becomesReady(name);
  });

  test('log: a matching line makes it ready, also one that came when there was no controller', async () => {
    const script = `echo starting; touch /run/waits; ${untilThere('/run/go')}; echo "listening on 8080"; touch /run/said; exec sleep 1000`;
    await boot(`services: { web: { command: ${JSON.stringify(script)}, ready: { log: "listening on [0-9]+" } } }`);
    await container.reaches('web', 'starting');
    await withoutController();
    await becomesReady('web');
    await container.svctl('restart', 'web', '--wait', 'none');
    await becomesReady('web');
    expect((await container.status('web')).run).toBe(2);
  });
});

describe('a service that is not alive', () => {
  test('live: after its permitted failures the service is restarted, and its trouble is the cause', async () => {
    await boot(`
services:
  web: { command: [sleep, "1000"], live: { file: /run/alive, interval: 100ms, failures: 2 }, ready: { file: /run/ready } }
  log: { command: [sleep, "1000"], live: { file: /run/alive, interval: 100ms, on_failure: none } }
`);
    await container.exec('touch', '/run/alive', '/run/ready');
    await becomesReady('web');
    await container.exec('rm', '/run/ready', '/run/alive');
    const status = await waitFor('the next run', async () => {
      const now = await container.status('web');
      return now.run === 2 && now;
    });
    expect(status).toMatchObject({ cause: { kind: 'CAUSE_KIND_CHECK', message: '/run/alive: does not exist' } });
    expect(await container.metric('my_init_service_restarts_total{service="web",reason="check"}')).toBe(1);
    await waitFor('a word about the other', () =>
      container.log().includes('log: is not alive: /run/alive: does not exist'),
    );
    expect((await container.status('log')).run).toBe(1);
  });

  testWith([PYTHON], 'watchdog: without WATCHDOG=1 it is restarted', async () => {
    const code = `${SAY}
say("READY=1")
time.sleep(1000)
`;
    await boot(
      `services: { web: { command: ${python(code)}, environment: { WATCHDOG_USEC: 300000 }, ready: { notify: true } } }`,
    );
    await waitFor('a restart', async () => Number((await container.status('web')).run) > 1);
    expect(container.log()).toContain('web: is not alive: gave no sign of life for 0.3 s (WATCHDOG=1)');
  });
});

testWith(
  [PYTHON],
  'MAINPID: a service that goes into the background is followed, by the next controller too',
  async () => {
    const code = `${SAY}
child = os.fork()
if child == 0:
    time.sleep(1000)
say("MAINPID=%d\\nREADY=1" % child)
while not os.path.exists("/run/go"): time.sleep(0.01)
`;
    await boot(`services: { web: { command: ${python(code)}, ready: { notify: true } } }`);
    await becomesReady('web');
    const before = await container.status('web');
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', () => container.answers());
    await container.exec('touch', '/run/go');
    const after = await waitFor('the other process', async () => {
      const now = await container.status('web');
      return now.pid !== before.pid && now;
    });
    expect(after).toMatchObject({ run: 1, state: 'SERVICE_STATE_UP', ready: true });
    await container.exec('kill', '-9', String(after.pid));
    await waitFor('the next run', async () => (await container.status('web')).run === 2);
    expect(await container.status('web')).toMatchObject({ lastExit: { signal: 'KILL', run: 1 } });
  },
);
