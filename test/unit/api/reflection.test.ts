import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type ClientDuplexStream, status as codes } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ServerReflectionClient,
  ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../../../gen/grpc/reflection/v1/reflection.js';
import { parseDescriptorSet } from '../../../src/api/descriptors.js';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { heldMemory } from '../../helpers/held-memory.js';

type Question = NonNullable<ServerReflectionRequest['messageRequest']>;

let api: TestApi;
let call: ClientDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;
beforeEach(async () => {
  api = await startApi();
  call = api.client(ServerReflectionClient).serverReflectionInfo();
  call.on('error', () => undefined);
});
afterEach(() => api.stop());

function ask(messageRequest: Question | undefined) {
  return new Promise<ServerReflectionResponse['messageResponse']>((resolve) => {
    call.once('data', ({ messageResponse }: ServerReflectionResponse) => resolve(messageResponse));
    call.write({ host: '', messageRequest });
  });
}

async function filesOf(question: Question) {
  const answer = await ask(question);
  if (answer?.$case !== 'fileDescriptorResponse') throw new Error(`no files: ${JSON.stringify(answer)}`);
  const set = new BinaryWriter();
  for (const file of answer.value.fileDescriptorProto) set.uint32(10).bytes(file);
  return parseDescriptorSet(set.finish());
}

describe('reflection', () => {
  test('names the services', async () => {
    const answer = await ask({ $case: 'listServices', value: '' });
    expect(answer).toEqual({
      $case: 'listServicesResponse',
      value: { service: ['my_init.v1.Services', 'my_init.v1.Init', 'grpc.health.v1.Health'].map((name) => ({ name })) },
    });
  });

  test.each([
    ['a service', 'my_init.v1.Services', 'my_init/v1/services.proto'],
    ['a method', 'my_init.v1.Services.List', 'my_init/v1/services.proto'],
    ['a message', 'my_init.v1.Service', 'my_init/v1/service.proto'],
    ['an enum', 'my_init.v1.WaitLevel', 'my_init/v1/services.proto'],
    ['a message in a message', 'google.rpc.BadRequest.FieldViolation', 'google/rpc/error_details.proto'],
    ['an enum in a message', 'grpc.health.v1.HealthCheckResponse.ServingStatus', 'grpc/health/v1/health.proto'],
  ])('finds the file of %s', async (_, symbol, file) => {
    const files = await filesOf({ $case: 'fileContainingSymbol', value: symbol });
    expect(files[0]?.name).toBe(file);
    expect(files[0]?.symbols).toContain(symbol);
  });

  test('sends all files that a file needs with it, each once', async () => {
    const files = await filesOf({ $case: 'fileByFilename', value: 'my_init/v1/services.proto' });
    const names = files.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { dependencies } of files) expect(names).toEqual(expect.arrayContaining([...dependencies]));
    expect(names).toContain('google/protobuf/timestamp.proto');
  });

  test.each<[string, Question]>([
    ['symbol', { $case: 'fileContainingSymbol', value: 'my_init.v1.Nothing' }],
    ['file', { $case: 'fileByFilename', value: '../../etc/passwd' }],
    ['extension', { $case: 'allExtensionNumbersOfType', value: 'my_init.v1.Service' }],
  ])('says that there is no such %s, and goes on', async (_, question) => {
    expect(await ask(question)).toMatchObject({ $case: 'errorResponse', value: { errorCode: codes.NOT_FOUND } });
    expect((await ask({ $case: 'listServices', value: '' }))?.$case).toBe('listServicesResponse');
  });

  test('refuses an empty question', async () => {
    expect(await ask(undefined)).toMatchObject({ value: { errorCode: codes.INVALID_ARGUMENT } });
  });

  test('withstands a client that asks and never reads', async () => {
    call.pause();
    const question = ServerReflectionRequest.fromPartial({
      messageRequest: { $case: 'fileByFilename', value: 'my_init/v1/services.proto' },
    });
    const before = heldMemory().arrayBuffers;
    for (let i = 0; i < 20_000; i++) {
      call.write(question);
      if (i % 200 === 0) await new Promise(setImmediate);
    }
    // The unanswered questions wait at the client; all answers would be 200 MB.
    expect(heldMemory().arrayBuffers - before).toBeLessThan(30e6);
  });
});
