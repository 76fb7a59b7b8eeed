/** Clients of the API, from the files that the build generated. */
import { createRequire } from 'node:module';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import esbuild from 'esbuild';
import { TOOLS } from './tools.mjs';

const bundle = join(TOOLS, 'api.cjs');
const modules = ['init', 'services'].map((name) => `export * from './gen/my_init/v1/${name}.js';`);
await esbuild.build({
  stdin: {
    contents: `export { credentials } from '@grpc/grpc-js';${modules.join('')}`,
    resolveDir: fileURLToPath(new URL('..', import.meta.url)),
  },
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  logLevel: 'error',
});
const api = createRequire(import.meta.url)(bundle);

export const { RestartRequest, WaitLevel, WatchResponse } = api;

/**
 * Its own connection to the my_init of a container. Calls return promises; `watch` is a stream of
 * encoded answers.
 */
export function connect(container) {
  const address = `unix:${join(container.directory, 'run/my_init.sock')}`;
  // Without it, all clients of one address share a connection.
  const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.initial_reconnect_backoff_ms': 100 };
  const client = (kind) => new kind(address, api.credentials.createInsecure(), options);
  const init = client(api.InitClient);
  const services = client(api.ServicesClient);
  return {
    info: () => promisify(init.getInfo.bind(init))({}),
    list: promisify(services.list.bind(services)),
    /**
     * Decoding five hundred services takes the client longer than the server takes to send them.
     */
    listUnread: () => {
      const { path, requestSerialize } = api.ServicesService.list;
      const request = api.ListRequest.fromPartial({});
      const unread = (answer) => answer;
      return new Promise((resolve, reject) =>
        services.makeUnaryRequest(path, requestSerialize, unread, request, (error, answer) =>
          error ? reject(error) : resolve(answer),
        ),
      );
    },
    get: promisify(services.get.bind(services)),
    restart: promisify(services.restart.bind(services)),
    watch: () => {
      const { path, requestSerialize } = api.ServicesService.watch;
      return services.makeServerStreamRequest(
        path,
        requestSerialize,
        (answer) => answer,
        api.WatchRequest.fromPartial({}),
      );
    },
    close() {
      init.close();
      services.close();
    },
  };
}

/** Resolves when a call is answered. A call that is cut off or refused is repeated. */
export async function apiAnswers(container) {
  for (;;) {
    await listens(join(container.directory, 'run/my_init.sock'));
    const client = connect(container);
    try {
      await client.info();
      return;
    } catch {
      // The controller ended, or is not ready to answer.
    } finally {
      client.close();
    }
  }
}

/** grpc-js waits longer after each refusal. */
async function listens(path) {
  for (;;) {
    const found = await new Promise((resolve) => {
      const socket = createConnection(path, () => resolve(true)).on('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (found) return;
    await delay(2);
  }
}
