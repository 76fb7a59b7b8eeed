import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { createConnection } from 'node:net';
import { status as codes } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ServicesService, StartRequest } from '../../../gen/my_init/v1/services.js';
import { startApi, type TestApi } from '../../helpers/api-server.js';

let api: TestApi;
let session: ClientHttp2Session;
beforeEach(async () => {
  api = await startApi();
  session = connect('http://localhost', { createConnection: () => createConnection(api.path) });
});
afterEach(async () => {
  session.destroy();
  await api.stop();
});

const call = () =>
  session.request({
    ':method': 'POST',
    ':path': ServicesService.start.path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });

function message(): Buffer {
  const request = StartRequest.encode(StartRequest.fromPartial({ selector: { names: ['web'] } })).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  return Buffer.concat([prefix, request]);
}

test.each(['SHUTTING_DOWN', 'CONTROLLER_REPLACED'] as const)(
  'an order that was on its way when the API ended is not carried out, and its answer says so: %s',
  async (reason) => {
    const begun = call();
    const answered = call();
    answered.resume().end(message());
    // The server has the headers of the first call when it answers the second.
    await once(answered, 'end');
    expect(api.services.calls).toHaveLength(1);
    const trailers = new Promise((resolve) => {
      begun.once('trailers', resolve);
      begun.once('response', (headers) => 'grpc-status' in headers && resolve(headers));
    });
    const closed = api.api.close(120_000, reason);
    begun.resume().end(message());
    expect(await trailers).toMatchObject({ 'grpc-status': String(codes.UNAVAILABLE) });
    expect(api.services.calls).toHaveLength(1);
    await closed;
  },
);
