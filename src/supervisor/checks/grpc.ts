import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import type { Probe } from '../definition/definition.js';
import type { Checker } from './checker.js';
import { explainConnection } from './connect.js';

type GrpcProbe = Extract<Probe, { kind: 'grpc' }>;

const METHOD = '/grpc.health.v1.Health/Check';
/** Each message follows a flag and four bytes of its length. */
const FRAME_BYTES = 5;
const FIELD_1_TEXT = 0x0a;
const FIELD_1_NUMBER = 0x08;
const SERVING = 1;
const STATUS_WORDS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const NO_GRPC = 'is no gRPC server';
const CODE_WORDS: Readonly<Record<string, string>> = {
  '5': 'does not know this service (NOT_FOUND)',
  '12': 'has no health service (UNIMPLEMENTED)',
};

/**
 * Passes when grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) says
 * SERVING. The one unary call with its two one-field messages is written out here, without a client
 * library.
 */
export class GrpcChecker implements Checker {
  readonly #address: string;
  readonly #request: Buffer;
  readonly #name: string;

  constructor({ address, service }: GrpcProbe) {
    this.#address = address;
    this.#request = requestFor(service);
    this.#name = service === '' ? address : `${address}, service ${service}`;
  }

  check(signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const socketPath = this.#address.startsWith('unix:') ? this.#address.slice('unix:'.length) : undefined;
      const session = connectHttp2(
        socketPath === undefined ? `http://${this.#address}` : 'http://localhost',
        socketPath === undefined ? {} : { createConnection: () => connect(socketPath) },
      );
      const settle = (problem: string | undefined): void => {
        signal.removeEventListener('abort', abort);
        session.destroy();
        resolve(problem);
      };
      const fail = (words: string): void => settle(`${this.#name}: ${words}`);
      const abort = (): void => fail('does not answer');
      const broken = (error: Error): void => settle(explainBroken(this.#name, error));
      signal.addEventListener('abort', abort);
      session.on('error', broken);
      const call = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: METHOD,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let answer = Buffer.alloc(0);
      let code: unknown;
      const readCode = (headers: Readonly<Record<string, unknown>>): void => {
        code = headers['grpc-status'] ?? code;
      };
      call.on('response', readCode).on('trailers', readCode);
      call.on('data', (chunk: Buffer) => {
        answer = Buffer.concat([answer, chunk]);
      });
      // The error of the connection, where there is one, is the cause of the call's.
      call.on('error', (error) => broken((error.cause as Error | undefined) ?? error));
      call.on('end', () => {
        const words = judge(code, answer);
        if (words === undefined) settle(undefined);
        else fail(words);
      });
      call.end(this.#request);
    });
  }
}

const explainBroken = (name: string, error: NodeJS.ErrnoException): string =>
  error.code?.startsWith('ERR_HTTP2_') ? `${name}: ${NO_GRPC} (${error.message})` : explainConnection(name, error);

/** HealthCheckRequest { string service = 1; } */
function requestFor(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const message = name.length === 0 ? name : Buffer.from([FIELD_1_TEXT, ...varint(name.length), ...name]);
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]);

/** HealthCheckResponse { ServingStatus status = 1; }; a field that is 0 is left out. */
function judge(code: unknown, answer: Buffer): string | undefined {
  if (code === undefined) return NO_GRPC;
  if (code !== '0') return CODE_WORDS[String(code)] ?? `answers with gRPC status ${code}`;
  const status = answer[FRAME_BYTES] === FIELD_1_NUMBER ? (answer[FRAME_BYTES + 1] ?? 0) : 0;
  return status === SERVING ? undefined : `answers ${STATUS_WORDS[status] ?? status}`;
}
