import { describe, expect, test } from '@jest/globals';
import { boot, container } from '../../helpers/defined-services.js';
import { freePort } from '../../helpers/free-port.js';
import { testWith } from '../../helpers/programs.js';
import { waitFor } from '../../helpers/wait-for.js';

const PYTHON = { program: 'python3', package: 'python3' };
const GRPC = { program: '/usr/lib/python3/dist-packages/grpc', package: 'python3-grpcio' };

/** A Python program in one line of YAML. */
const python = (code: string, program = 'python3'): string => JSON.stringify([program, '-uc', code]);

/**
 * Answers the one request that it expects with 418 if that is right, and all others with 200. Once
 * there is /run/deaf, it stays, but does not listen any more.
 */
const WEB = `
import http.server, os, socketserver, time
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("/run/asked", "a").write(".")
        wanted = (self.path, self.headers["Host"], self.headers["X-Probe"]) == ("/health", "site", "mine")
        self.send_response(418 if wanted and os.path.exists("/run/well") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def address_string(self): return ""
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    def service_actions(self):
        if os.path.exists("/run/deaf"):
            self.server_close()
            time.sleep(1000)
Server("/run/web.sock", Web).serve_forever()
`;

/** Fails at these calls, counted from 0, and passes at all others. */
const failsAt = (...calls: readonly number[]): string =>
  JSON.stringify([
    'sh',
    '-c',
    `n=$(cat /run/n 2> /dev/null | wc -l); echo >> /run/n; case $n in ${calls.join('|')}) exit 1;; esac`,
  ]);

const calls = async (): Promise<number> => Number((await container.exec('sh', '-c', 'cat /run/n | wc -l')).stdout);

const isReady = async (name: string): Promise<boolean> => (await container.status(name)).ready === true;
const runOf = async (name: string): Promise<number> => Number((await container.status(name)).run);
const causeOf = async (name: string): Promise<unknown> => (await container.status(name)).cause;

describe('ready', () => {
  testWith([PYTHON], 'http: url, unix, headers and status are those of the request and of its answer', async () => {
    await boot(`
services:
  web:
    command: ${python(WEB)}
    ready:
      http: { url: "http://site/health", unix: /run/web.sock, headers: { X-Probe: mine }, status: [418] }
`);
    await waitFor('its word', async () => String((await container.status('web')).trouble).includes('answers 200'));
    expect(await isReady('web')).toBe(false);
    await container.exec('touch', '/run/well');
    await waitFor('web to be ready', () => isReady('web'));
  });

  testWith([PYTHON], 'unix: a connection to the socket opens', async () => {
    const code =
      'import os, socket, time\nwhile not os.path.exists("/run/go"): time.sleep(0.01)\ns = socket.socket(socket.AF_UNIX)\ns.bind("/run/app.sock")\ns.listen()\ntime.sleep(1000)';
    await boot(`services: { app: { command: ${python(code)}, ready: { unix: /run/app.sock } } }`);
    await waitFor('its word', async () => String((await container.status('app')).trouble).includes('/run/app.sock'));
    expect(await isReady('app')).toBe(false);
    await container.exec('touch', '/run/go');
    await waitFor('app to be ready', () => isReady('app'));
  });

  test('successes: this many checks in a row have to pass', async () => {
    await boot(`
services:
  web: { command: sleep 1000, ready: { exec: ${failsAt(0, 3)}, successes: 3 } }
`);
    await waitFor('web to be ready', () => isReady('web'));
    expect(await calls()).toBe(7);
  });
});

describe('live', () => {
  testWith([PYTHON], 'http, unix, tcp: a service is restarted when its check fails or takes too long', async () => {
    const port = await freePort();
    const tcp = `
import os, socket, time
s = socket.create_server(("127.0.0.1", ${port}))
while not os.path.exists("/run/deaf"): time.sleep(0.05)
s.close()
time.sleep(1000)
`;
    const often = 'interval: 100ms, failures: 1';
    await boot(`
services:
  web: { command: ${python(WEB)}, ready: { file: /run/web.sock } }
  listener: { command: ${python(tcp)}, ready: { tcp: "127.0.0.1:${port}" } }
  by-http:
    command: sleep 1000
    depends_on: [web]
    live:
      http: { url: "http://site/health", unix: /run/web.sock, headers: { X-Probe: mine }, status: [418] }
      timeout: 10s
      ${often.replace(', ', '\n      ')}
  by-unix: { command: sleep 1000, depends_on: [web], live: { unix: /run/web.sock, timeout: 60s, ${often} } }
  by-tcp: { command: sleep 1000, depends_on: [listener], live: { tcp: "127.0.0.1:${port}", timeout: 60s, ${often} } }
  slow: { command: sleep 1000, live: { exec: [sleep, "100"], timeout: 200ms, ${often} } }
`);
    await waitFor('a restart of the slow one', async () => (await runOf('slow')) > 1);
    expect(await causeOf('slow')).toMatchObject({ message: expect.stringMatching(/within 0\.2 s$/) });
    await waitFor('a restart by http', async () => (await runOf('by-http')) > 1);
    expect(await causeOf('by-http')).toMatchObject({ message: 'http://site/health: answers 200' });
    expect([await runOf('by-unix'), await runOf('by-tcp')]).toEqual([1, 1]);
    await container.exec('touch', '/run/well');
    await container.svctl('restart', 'by-http');
    const run = await runOf('by-http');
    const asked = async (): Promise<number> => (await container.exec('cat', '/run/asked')).stdout.length;
    const before = await asked();
    await waitFor('checks that pass', async () => (await asked()) > before + 5);
    expect(await runOf('by-http')).toBe(run);
    // A service whose dependency is stopped may be stopped itself before its next check.
    await container.exec('touch', '/run/deaf');
    await waitFor('words about both', () => {
      const log = container.log();
      return [
        'by-unix: is not alive: /run/web.sock: connection refused',
        `by-tcp: is not alive: 127.0.0.1:${port}: connection refused`,
      ].every((text) => log.includes(text));
    });
    await container.svctl('stop', 'listener', 'web');
    // The dependencies of both are down: both are stopped, and wait.
    for (const name of ['by-unix', 'by-tcp']) await container.reaches(name, 'waiting');
  });

  testWith([PYTHON, GRPC], 'grpc: the service of this name is asked for', async () => {
    const port = await freePort();
    // The name of the service is field 1 of the request.
    const server = `
import grpc, os
from concurrent import futures
def check(request, context):
    return b'\\x08\\x01' if request == b'\\n\\x03app' and not os.path.exists('/run/ill') else b'\\x08\\x02'
class Health(grpc.GenericRpcHandler):
    def service(self, details): return grpc.unary_unary_rpc_method_handler(check)
server = grpc.server(futures.ThreadPoolExecutor())
server.add_generic_rpc_handlers((Health(),))
server.add_insecure_port('127.0.0.1:${port}')
server.start()
server.wait_for_termination()
`;
    await boot(`
services:
  server: { command: ${python(server, '/usr/bin/python3')}, ready: { grpc: { address: "127.0.0.1:${port}", service: app } } }
  app:
    command: sleep 1000
    depends_on: [server]
    live: { grpc: { address: "127.0.0.1:${port}", service: app }, interval: 100ms, failures: 1 }
`);
    await container.reaches('app', 'up');
    await container.exec('touch', '/run/ill');
    await waitFor('a restart', async () => (await runOf('app')) > 1);
    expect(await causeOf('app')).toMatchObject({ message: expect.stringMatching(/answers NOT_SERVING$/) });
  });

  test('successes: a failure after fewer passes is the same failure', async () => {
    await boot(`
services:
  web:
    command: sleep 1000
    live: { exec: ${failsAt(0, 3, 7)}, interval: 100ms, failures: 1, successes: 3, on_failure: none }
`);
    await waitFor('nine checks', async () => (await calls()) > 8);
    expect(container.log().match(/web: is not alive/g)).toHaveLength(2);
    expect(await runOf('web')).toBe(1);
  });
});
