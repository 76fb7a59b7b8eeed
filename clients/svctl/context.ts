import {
  type Address,
  ANSWER_TIMEOUT_MS,
  type CallOptions,
  Connection,
  defaultSocket,
  MAX_SOCKET_PATH_BYTES,
  type Method,
  openSocket,
} from '../typescript/src/index.js';
import { type CommandLine, durationOption, type Format, usage } from './options.js';
import { hostAddress } from './remote.js';
import { Terminal } from './terminal.js';

/** What a command works with: the command line, the connection to my_init and the terminal. */
export class Context extends Terminal {
  readonly #given: CommandLine['given'];
  #connection: Connection | undefined;

  constructor(
    /** The words after the command. */
    readonly operands: readonly string[],
    given: CommandLine['given'],
  ) {
    super((given.get('output') ?? 'table') as Format, given.has('no-color'));
    this.#given = given;
  }

  /** Not in this container: only the connection leads there. */
  get isRemote(): boolean {
    return this.address.includes('://');
  }

  /** Where my_init is, for messages: the path of a socket, or a host. */
  get address(): string {
    return this.connection.name;
  }

  get connection(): Connection {
    this.#connection ??= new Connection(addressOf(this.#given.get('socket'), this.#given.get('host')));
    return this.#connection;
  }

  has(option: string): boolean {
    return this.#given.has(option);
  }

  option(name: string): string | undefined {
    return this.#given.get(name);
  }

  /** In milliseconds; undefined when not given. */
  duration(name: string): number | undefined {
    return durationOption(this.#given, name);
  }

  /** Asks something that changes nothing, or that changes nothing more when it is repeated. */
  ask<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<Response> {
    return this.connection.call(method, request, { timeoutMs: this.duration('timeout') ?? timeoutMs });
  }

  stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    return this.connection.stream(method, request, options);
  }

  /** Ends the connection; the next call makes a new one. */
  close(): void {
    this.#connection?.close();
  }
}

/** An option goes before the variable. Throws {@link Problem} for a path that no socket can have. */
function addressOf(
  option: string | undefined,
  host = option === undefined ? process.env.MY_INIT_HOST : undefined,
): Address {
  if (host) {
    if (option !== undefined) throw usage('--host or --socket, not both');
    return hostAddress(host);
  }
  const path = option ?? defaultSocket();
  if (path === '') throw usage('--socket needs a path');
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw usage(`the path of a socket has at most ${MAX_SOCKET_PATH_BYTES} bytes: ${path}`);
  }
  return { name: path, open: (signal) => openSocket(path, signal) };
}
