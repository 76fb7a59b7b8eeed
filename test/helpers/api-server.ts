/** The real API on a real Unix socket, over the fake services. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { type Api, type ApiOptions, serveApi } from '../../src/api/server.js';
import { listenUnix } from '../../src/listen/unix.js';
import { ContainerLimits } from '../../src/resources/container-limits.js';
import { ServiceUsage } from '../../src/resources/service-usage.js';
import { FakeServices, FakeSystem } from './fake-services.js';
import { noRecord } from './no-record.js';

type ClientSort<C> = new (target: string, creds: ChannelCredentials, options: ClientOptions) => C;

export interface TestApi {
  readonly path: string;
  readonly target: string;
  readonly services: FakeServices;
  readonly system: FakeSystem;
  readonly api: Api;
  readonly listener: Server;
  readonly logged: string[];
  /** A client with a connection of its own, closed with the rest. */
  client<C extends Client>(sort: ClientSort<C>): C;
  /** The answer of a unary call; rejects with its ServiceError. */
  ask<Q, A>(method: MethodDefinition<Q, A>, request: Q, options?: CallOptions): Promise<A>;
  stop(): Promise<void>;
}

export async function startApi(
  options: Partial<ApiOptions> & { readonly services?: FakeServices; readonly mode?: number } = {},
): Promise<TestApi> {
  const directory = temporaryDirectory();
  const path = join(directory, 'my_init.sock');
  const services = options.services ?? new FakeServices(['cron', 'memcached', 'web']);
  const system = new FakeSystem({ bootId: services.bootId });
  const logged: string[] = [];
  const asking = new Client(`unix:${path}`, credentials.createInsecure());
  const clients = [asking];
  const api = serveApi({
    view: services,
    control: services,
    system,
    limits: new ContainerLimits(noRecord()),
    usage: new ServiceUsage(services, system),
    socket: path,
    httpAddress: () => '127.0.0.1:9180',
    log: (message) => logged.push(message),
    ...options,
  });
  const listener = await listenUnix({ path, mode: options.mode ?? 0o660 });
  listener.on('connection', api.accept);
  return {
    path,
    target: `unix:${path}`,
    services,
    system,
    api,
    listener,
    logged,
    client: (sort) => {
      const client = new sort(`unix:${path}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
      clients.push(client);
      return client;
    },
    ask: ({ path: name, requestSerialize, responseDeserialize }, request, callOptions = {}) =>
      new Promise((resolve, reject) => {
        asking.makeUnaryRequest(name, requestSerialize, responseDeserialize, request, callOptions, (error, answer) => {
          if (error !== null || answer === undefined) reject(error);
          else resolve(answer);
        });
      }),
    stop: async () => {
      for (const client of clients) client.close();
      const closed = new Promise((resolve) => listener.close(resolve));
      await api.close(0);
      await closed;
      rmSync(directory, { recursive: true, maxRetries: 20 });
    },
  };
}

/** A directory that every user may enter, as /run/my_init is. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'api-'));
  chmodSync(directory, 0o755);
  return directory;
}

/**
 * The details of an error as a client sees them: the reason, its metadata, and which kinds of
 * details there are.
 */
export function detailsOf(error: unknown) {
  const { metadata } = error as ServiceError;
  const [bytes] = (metadata ?? new Metadata()).get('grpc-status-details-bin');
  if (!Buffer.isBuffer(bytes)) throw new Error(`no details: ${String(error)}`);
  const status = Status.decode(bytes);
  const kinds = status.details.map(({ typeUrl }) => typeUrl.replace('type.googleapis.com/google.rpc.', ''));
  const info = status.details[kinds.indexOf('ErrorInfo')];
  return { status, kinds, ...ErrorInfo.decode(info?.value ?? Buffer.of()) };
}

/** The error of a promise that fails. */
export async function failure(promise: Promise<unknown>): Promise<ServiceError> {
  try {
    await promise;
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('nothing failed');
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean, deadlineMs = 120_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not so within ${deadlineMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
