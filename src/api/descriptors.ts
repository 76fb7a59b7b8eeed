/**
 * The parts of a `FileDescriptorSet` that reflection needs. Field numbers:
 * google/protobuf/descriptor.proto.
 */
import { BinaryReader } from '@bufbuild/protobuf/wire';

export interface DescriptorFile {
  readonly name: string;
  readonly dependencies: readonly string[];
  /** The full names of its messages, enums, services and methods. */
  readonly symbols: readonly string[];
  /** The FileDescriptorProto itself. */
  readonly bytes: Buffer;
}

/** @throws Error when it is not a FileDescriptorSet */
export function parseDescriptorSet(set: Uint8Array): readonly DescriptorFile[] {
  return fields(set, 1).map(parseFile);
}

function parseFile(bytes: Uint8Array): DescriptorFile {
  const scope = texts(bytes, 2)[0] ?? '';
  return {
    name: texts(bytes, 1)[0] ?? '',
    dependencies: texts(bytes, 3),
    symbols: [
      ...fields(bytes, 4).flatMap((message) => messageSymbols(message, scope)),
      ...names(bytes, 5, scope),
      ...fields(bytes, 6).flatMap((service) => serviceSymbols(service, scope)),
    ],
    bytes: Buffer.from(bytes),
  };
}

function messageSymbols(message: Uint8Array, scope: string): string[] {
  const name = qualified(scope, message);
  return [name, ...fields(message, 3).flatMap((nested) => messageSymbols(nested, name)), ...names(message, 4, name)];
}

function serviceSymbols(service: Uint8Array, scope: string): string[] {
  const name = qualified(scope, service);
  return [name, ...names(service, 2, name)];
}

/** The full names of the messages in a field whose messages have their name in field 1. */
const names = (message: Uint8Array, field: number, scope: string): string[] =>
  fields(message, field).map((named) => qualified(scope, named));

function qualified(scope: string, named: Uint8Array): string {
  const name = texts(named, 1)[0] ?? '';
  return scope === '' ? name : `${scope}.${name}`;
}

const texts = (message: Uint8Array, field: number): string[] =>
  fields(message, field).map((bytes) => Buffer.from(bytes).toString());

/** The length-delimited values of a field. */
function fields(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}
