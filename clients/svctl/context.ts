import {
  type Address,
  ANSWER_TIMEOUT_MS,
  type CallOptions,
  Connection,
  defaultSocket,
  MAX_SOCKET_PATH_BYTES,
  type Method,
  type MutationRequest,
  openSocket,
  order,
} from '../typescript/src/index.js';
import { BETWEEN, type CommandLine, durationOption, type Format, usage } from './options.js';
import { Terminal } from './terminal.js';

/**
 * The parts that a command works with: the command line, the connection to my_init and the
 * terminal.
 */
export class Context extends Terminal {
  readonly #given: CommandLine['given'];
  readonly #host: Address | undefined;
  #connection: Connection | undefined;

  constructor(
    /** The words after the command. */
    readonly operands: readonly string[],
    given: CommandLine['given'],
    /** The connection to the my_init of another container; of this container when undefined. */
    host?: Address,
  ) {
    super((given.get('output') ?? 'table') as Format, given.has('no-color'));
    this.#given = given;
    this.#host = host;
  }

  /** Not in this container: only the connection leads there. */
  get isRemote(): boolean {
    return this.#host !== undefined;
  }

  /** Where my_init is, for messages: the path of a socket, or a host. */
  get address(): string {
    return this.connection.name;
  }

  get connection(): Connection {
    this.#connection ??= new Connection(this.target);
    return this.#connection;
  }

  /** The way to my_init, for a command that makes connections of its own. */
  get target(): Address {
    return this.#host ?? localAddress(this.#given.get('socket'));
  }

  has(option: string): boolean {
    return this.#given.has(option);
  }

  option(name: string): string | undefined {
    return this.#given.get(name);
  }

  /** All values of an option that repeats. */
  options(name: string): readonly string[] {
    return this.#given.get(name)?.split(BETWEEN) ?? [];
  }

  /** In milliseconds; undefined when not given. */
  duration(name: string): number | undefined {
    return durationOption(this.#given, name);
  }

  /** Asks something that changes nothing. */
  ask<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<Response> {
    return this.connection.call(method, request, { timeoutMs: this.duration('timeout') ?? timeoutMs });
  }

  /** Orders something that is carried out once, however often the connection breaks. */
  order<Request extends MutationRequest, Response>(
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number | undefined = ANSWER_TIMEOUT_MS,
  ): Promise<Response> {
    return order(this.connection, method, request, { timeoutMs: this.duration('timeout') ?? timeoutMs });
  }

  stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    return this.connection.stream(method, request, options);
  }

  /** Ends the connection as it is: the next call makes a new one. */
  drop(): void {
    this.#connection?.drop();
  }

  close(): void {
    this.#connection?.close();
  }
}

/**
 * An option goes before the variable. Throws {@link Problem} for a path that no socket can have.
 */
function localAddress(option: string | undefined): Address {
  const path = option ?? defaultSocket();
  if (path === '') throw usage('--socket needs a path');
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw usage(`the path of a socket has at most ${MAX_SOCKET_PATH_BYTES} bytes: ${path}`);
  }
  return { name: path, open: (signal) => openSocket(path, signal) };
}
