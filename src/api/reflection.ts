import { readFileSync } from 'node:fs';
import { status as codes, type Server } from '@grpc/grpc-js';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  type ServerReflectionServer,
  ServerReflectionService,
} from '../../gen/grpc/reflection/v1/reflection.js';
import { installed } from '../process/native.js';
import type { Calls } from './call.js';
import { type DescriptorFile, parseDescriptorSet } from './descriptors.js';

/**
 * The same protocol under its first name, for grpcurl before 1.8.8 and grpcio's reflection client.
 */
const V1_ALPHA = {
  serverReflectionInfo: {
    ...ServerReflectionService.serverReflectionInfo,
    path: '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  },
} as const;

/**
 * Serves server reflection (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md) of
 * `services`, from the descriptors that the build made. The descriptors are read at the first
 * question.
 */
export function addReflection(server: Server, services: readonly string[], calls: Calls): void {
  const reflection: ServerReflectionServer = {
    serverReflectionInfo: calls.bidirectional((call) => {
      call.on('data', (request: ServerReflectionRequest) => {
        if (!call.write(answer(request, services))) call.pause();
      });
      call.on('drain', () => call.resume());
      call.on('end', () => call.end());
      return () => undefined;
    }),
  };
  server.addService(ServerReflectionService, reflection);
  server.addService(V1_ALPHA, reflection);
}

type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

function answer(request: ServerReflectionRequest, services: readonly string[]): ServerReflectionResponse {
  return { validHost: request.host, originalRequest: request, messageResponse: answerTo(request, services) };
}

function answerTo({ messageRequest: asked }: ServerReflectionRequest, services: readonly string[]): Answer {
  switch (asked?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return fileAnswer(known().byName.get(asked.value), `file ${asked.value}`);
    case 'fileContainingSymbol':
      return fileAnswer(known().bySymbol.get(asked.value), `symbol ${asked.value}`);
    case 'fileContainingExtension':
    case 'allExtensionNumbersOfType':
      return failure(codes.NOT_FOUND, 'there are no extensions');
    case undefined:
      return failure(codes.INVALID_ARGUMENT, 'the request asks nothing that this server knows');
    default:
      return asked satisfies never;
  }
}

/** The file, and all that it needs after it: clients ask for no more then. */
function fileAnswer(file: DescriptorFile | undefined, what: string): Answer {
  if (file === undefined) return failure(codes.NOT_FOUND, `there is no ${what}`);
  const collected = new Map<string, DescriptorFile>();
  const collect = (one: DescriptorFile) => {
    if (collected.has(one.name)) return;
    collected.set(one.name, one);
    for (const name of one.dependencies) {
      const dependency = known().byName.get(name);
      if (dependency !== undefined) collect(dependency);
    }
  };
  collect(file);
  const bytes = [...collected.values()].map((one) => one.bytes);
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto: bytes } };
}

const failure = (errorCode: codes, errorMessage: string): Answer => ({
  $case: 'errorResponse',
  value: { errorCode, errorMessage },
});

interface Index {
  readonly byName: ReadonlyMap<string, DescriptorFile>;
  readonly bySymbol: ReadonlyMap<string, DescriptorFile>;
}

let index: Index | undefined;

function known(): Index {
  if (index !== undefined) return index;
  const files = parseDescriptorSet(readFileSync(installed('descriptors.binpb')));
  index = {
    byName: new Map(files.map((file) => [file.name, file])),
    bySymbol: new Map(files.flatMap((file) => file.symbols.map((symbol) => [symbol, file] as const))),
  };
  return index;
}
