import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { status as codes } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ErrorInfo } from '../../../gen/google/rpc/error_details.js';
import { Status } from '../../../gen/google/rpc/status.js';
import { HealthCheckRequest, HealthCheckResponse, HealthService } from '../../../gen/grpc/health/v1/health.js';
import { GetInfoResponse, InitService, ShutdownRequest } from '../../../gen/my_init/v1/init.js';
import { ListResponse, ServicesService, StopRequest, WatchResponse } from '../../../gen/my_init/v1/services.js';
import { startApi, type TestApi } from '../../helpers/api-server.js';

const STRANGER = { uid: 4321, gid: 4321 };
const MEMBER = { uid: 4322, gid: 4444 };
const STOP_WEB = StopRequest.encode(StopRequest.fromPartial({ selector: { names: ['web'] } })).finish();
const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

let api: TestApi;
afterEach(() => api.stop());

interface Method {
  readonly path: string;
  readonly responseStream: boolean;
}

/** Makes a call in a process of another user. */
const callAs = (user: User, method: Method, request?: Uint8Array) =>
  callWith([process.execPath], method, request, user);

interface User {
  readonly uid?: number;
  readonly gid?: number;
  /** Further groups. */
  readonly groups?: string;
}

/** Makes a call in a process that the command starts, as a user. */
async function callWith(
  [command = '', ...before]: readonly string[],
  method: Method,
  request: Uint8Array = Buffer.of(),
  user: User = {},
) {
  const program = fileURLToPath(new URL('../../helpers/raw-client.mjs', import.meta.url));
  const kind = method.responseStream ? 'stream' : 'unary';
  const words = [...before, program, api.target, method.path, Buffer.from(request).toString('hex'), kind];
  const { uid, gid, groups } = user;
  const env = {
    ...process.env,
    ...(uid !== undefined && { AS_UID: String(uid), AS_GID: String(gid), AS_GROUPS: groups ?? '' }),
  };
  const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  await once(child, 'close');
  const { code, details, status, answer } = JSON.parse(output);
  const error = Status.decode(Buffer.from(status, 'hex'));
  const info = ErrorInfo.decode(error.details[0]?.value ?? Buffer.of());
  return { code, details, info, answer: Buffer.from(answer, 'hex'), pid: child.pid };
}

asRoot('a user who is neither root nor ours', () => {
  test('may read', async () => {
    api = await startApi({ mode: 0o666 });
    const list = await callAs(STRANGER, ServicesService.list);
    expect(ListResponse.decode(list.answer).services).toHaveLength(3);
    const info = await callAs(STRANGER, InitService.getInfo);
    expect(GetInfoResponse.decode(info.answer).mayChange).toBe(false);
  });

  test('may watch', async () => {
    api = await startApi({ mode: 0o666 });
    const { answer } = await callAs(STRANGER, ServicesService.watch);
    expect(WatchResponse.decode(answer).event?.$case).toBe('hello');
  });

  test('may ask for the health', async () => {
    api = await startApi({ mode: 0o666 });
    const request = HealthCheckRequest.encode({ service: 'readiness' }).finish();
    const { answer } = await callAs(STRANGER, HealthService.check, request);
    expect(HealthCheckResponse.decode(answer)).toEqual({ status: 1 });
  });

  test.each([
    ServicesService.start,
    ServicesService.stop,
    ServicesService.restart,
    ServicesService.reload,
    ServicesService.signal,
    InitService.rescan,
    InitService.shutdown,
  ])('may not call $path, and is told who may', async (method) => {
    api = await startApi({ mode: 0o666 });
    const request =
      method === InitService.shutdown ? ShutdownRequest.encode(ShutdownRequest.fromPartial({})) : undefined;
    const { code, details, info, pid } = await callAs(STRANGER, method, request?.finish());
    expect(code).toBe(codes.PERMISSION_DENIED);
    expect(info).toMatchObject({ domain: 'my_init', reason: 'READ_ONLY_ACCESS' });
    expect(info.metadata).toEqual({ actor: `uid 4321, pid ${pid}` });
    expect(details).toMatch(/^uid 4321, pid \d+ may read, not change anything: only root,/);
    expect(api.services.calls).toEqual([]);
    expect(api.system.orders).toEqual([]);
  });

  test('is kept out by the mode of the socket', async () => {
    api = await startApi({ mode: 0o600 });
    const { code } = await callAs(STRANGER, ServicesService.list);
    expect(code).toBe(codes.UNAVAILABLE);
  });
});

asRoot('a member of the configured group', () => {
  test('may change things, and is named as the actor', async () => {
    api = await startApi({ mode: 0o666, fullAccessGroupId: MEMBER.gid });
    const { code, pid } = await callAs(MEMBER, ServicesService.stop, STOP_WEB);
    expect(code).toBe(codes.OK);
    expect(api.services.calls[0]?.options.cause).toEqual({ kind: 'api', actor: `uid 4322, pid ${pid}` });
  });

  test('may change things by one of their further groups', async () => {
    api = await startApi({ mode: 0o666, fullAccessGroupId: MEMBER.gid });
    const groups = `4999,${MEMBER.gid}`;
    const { code } = await callAs({ uid: 4323, gid: 4323, groups }, ServicesService.stop, STOP_WEB);
    expect(code).toBe(codes.OK);
  });

  test('may change nothing where no group is configured', async () => {
    api = await startApi({ mode: 0o666 });
    expect((await callAs(MEMBER, ServicesService.stop)).code).toBe(codes.PERMISSION_DENIED);
  });
});
