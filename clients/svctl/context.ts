import { setTimeout as delay } from 'node:timers/promises';
import { printable, printableJson } from '../../src/text/printable.js';
import { type CallOptions, Channel, type Method } from './grpc-http2.js';
import { type CommandLine, durationOption, type Format } from './options.js';
import { endedWithoutAnswer, type Problem, problemOf } from './problem.js';
import { socketMade, socketPath } from './socket-path.js';
import { type Paint, paintFor } from './text/paint.js';

/** How long a question to my_init may take: it answers in milliseconds, also while it starts a hundred services. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Between two attempts of a question whose connection broke: a new controller is there in about 100 ms. */
const RETRY_DELAY_MS = 50;

/** What a command works with: the command line, my_init, and the two outputs. */
export class Context {
  readonly paint: Paint;
  readonly #given: CommandLine['given'];
  #channel: Channel | undefined;
  #socket: string | undefined;

  constructor(
    /** The words after the command. */
    readonly operands: readonly string[],
    given: CommandLine['given'],
  ) {
    this.#given = given;
    this.paint = paintFor(process.stdout, given.has('no-color'));
  }

  get format(): Format {
    return (this.#given.get('output') ?? 'table') as Format;
  }

  get socket(): string {
    this.#socket ??= socketPath(this.#given.get('socket'));
    return this.#socket;
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

  /** Asks something that changes nothing; asked again when the controller was replaced meanwhile. */
  async ask<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    const timeoutMs = this.duration('timeout') ?? ANSWER_TIMEOUT_MS;
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(1, deadlineMs - performance.now());
      try {
        return await (await this.#open()).unary(method, request, { timeoutMs: leftMs });
      } catch (error) {
        if (!endedWithoutAnswer(error) || leftMs <= RETRY_DELAY_MS) throw error;
        this.close();
        await delay(RETRY_DELAY_MS);
      }
    }
  }

  /** Orders something: once, since nobody can say what became of an order whose connection broke. */
  async order<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = { timeoutMs: ANSWER_TIMEOUT_MS },
  ): Promise<Response> {
    return (await this.#open()).unary(method, request, options);
  }

  async *stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    yield* (await this.#open()).stream(method, request, options);
  }

  /** Ends the connection; the next call makes a new one. */
  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Writes to standard output as it is: the text has been made printable. */
  print(text: string): void {
    process.stdout.write(text);
  }

  /** One line to standard output, made printable. */
  line(text: string): void {
    this.print(`${printable(text)}\n`);
  }

  /** A message as JSON, indented for `-o json` and on one line for `-o jsonl`. */
  json(value: unknown): void {
    this.print(`${printableJson(value, this.format === 'json' ? 2 : 0)}\n`);
  }

  /** One line to standard error, made printable. */
  note(text: string): void {
    process.stderr.write(`svctl: ${printable(text)}\n`);
  }

  /** The same in faint letters: beside the data. */
  faintNote(text: string): void {
    this.#faint(`svctl: ${text}`);
  }

  /** What belongs to the note before it, under it. */
  remark(text: string): void {
    this.#faint(`       ${text}`);
  }

  /** What went wrong and what can be done about it, on standard error. */
  complain({ message, hint }: Problem, subject = ''): void {
    this.note(subject === '' ? message : `${subject}: ${message}`);
    if (hint !== '') process.stderr.write(`       ${printable(hint)}\n`);
  }

  problem(error: unknown): unknown {
    return problemOf(error, this.#socket ?? '');
  }

  #faint(text: string): void {
    const paint = paintFor(process.stderr, this.has('no-color'));
    process.stderr.write(`${paint('faint', printable(text))}\n`);
  }

  async #open(): Promise<Channel> {
    if (this.#channel !== undefined) return this.#channel;
    await socketMade(this.#given.get('socket'));
    this.#channel ??= new Channel(this.socket);
    return this.#channel;
  }
}
