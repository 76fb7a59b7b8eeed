import { readFileSync } from 'node:fs';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { expect, test } from '@jest/globals';
import { LogStream, ReadResponse } from '../../../gen/my_init/v1/logs.js';
import { LineEncoder } from '../../../src/api/log-lines.js';

const record = (stream: string, tag: string, text: string): Buffer =>
  Buffer.from(`2026-11-23T03:22:11.123456789Z ${stream} ${tag} ${text}`);

/** The encoder's output for a line with every field that it writes. */
function encoded(): Buffer {
  const encoder = new LineEncoder();
  const line = record('stderr', 'P', 'text');
  encoder.put('web', line, 0, line.length);
  return encoder.finish(Buffer.alloc(0));
}

test('the generated code can read a line that was encoded by hand', () => {
  const { event } = ReadResponse.decode(encoded());
  expect(event).toEqual({
    $case: 'lines',
    value: {
      lines: [
        {
          service: 'web',
          stream: LogStream.LOG_STREAM_STDERR,
          time: new Date('2026-11-23T03:22:11.123Z'),
          text: Buffer.from('text'),
          partial: true,
        },
      ],
    },
  });
});

interface Field {
  readonly name: string;
  readonly number: number;
  /** The name of a message type, `.my_init.v1.LogLines`. */
  readonly type: string;
}

/**
 * The fields of length-delimited type with this number in an encoded message
 * (google/protobuf/descriptor.proto).
 */
function parts(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted && wireType === 2) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}

function numberOf(field: Uint8Array): number {
  const reader = new BinaryReader(field);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 3) return reader.int32();
    reader.skip(wireType);
  }
  return 0;
}

const word = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

/** The fields of a message, from the descriptors that the build makes. */
function fieldsOf(name: string): readonly Field[] {
  const set = readFileSync(new URL('../../../dist/descriptors.binpb', import.meta.url));
  for (const file of parts(set, 1))
    for (const message of parts(file, 4))
      if (`.${word(parts(file, 2)[0])}.${word(parts(message, 1)[0])}` === name)
        return parts(message, 2).map((field) => ({
          name: word(parts(field, 1)[0]),
          number: numberOf(field),
          type: word(parts(field, 6)[0]),
        }));
  throw new Error(`there is no message ${name}`);
}

/** The numbers of the fields in the order of an encoded message. */
function numbersIn(bytes: Uint8Array): number[] {
  const reader = new BinaryReader(bytes);
  const numbers: number[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    numbers.push(number);
    reader.skip(wireType);
  }
  return numbers;
}

test('the numbers of its fields are those of the descriptor', () => {
  const number = (message: string, field: string): number =>
    fieldsOf(message).find(({ name }) => name === field)?.number ?? 0;
  const response = encoded();
  expect(numbersIn(response)).toEqual([number('.my_init.v1.ReadResponse', 'lines')]);
  const [lines = Buffer.alloc(0)] = parts(response, number('.my_init.v1.ReadResponse', 'lines'));
  expect(numbersIn(lines)).toEqual([number('.my_init.v1.LogLines', 'lines')]);
  const [line = Buffer.alloc(0)] = parts(lines, number('.my_init.v1.LogLines', 'lines'));
  const names = ['service', 'stream', 'time', 'text', 'partial'];
  expect(numbersIn(line)).toEqual(names.map((name) => number('.my_init.v1.LogLine', name)));
  // A new field of the descriptor has to be encoded by hand, too.
  expect(
    fieldsOf('.my_init.v1.LogLine')
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...names].sort());
  const [time = Buffer.alloc(0)] = parts(line, number('.my_init.v1.LogLine', 'time'));
  expect(numbersIn(time)).toEqual(['seconds', 'nanos'].map((name) => number('.google.protobuf.Timestamp', name)));
});
