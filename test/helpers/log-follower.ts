import { credentials } from '@grpc/grpc-js';
import { LogMarkerKind, LogsClient, ReadRequest, type ReadResponse } from '../../gen/my_init/v1/logs.js';

type Request = Parameters<typeof ReadRequest.fromPartial>[0];

/**
 * A client of `Logs.Read` that resumes from its cursor when the connection breaks, and keeps the
 * events that it gets.
 */
export class LogFollower {
  /** `SERVICE TEXT`, `SERVICE gap LINES`, `SERVICE STARTED` …, only where `keep` says so. */
  readonly told: string[] = [];
  readonly #client: LogsClient;
  readonly #onEvent: (event: NonNullable<ReadResponse['event']>) => void;
  readonly #request: Request;
  readonly #cursor: Record<string, string> = {};
  #closed = false;
  #call: ReturnType<LogsClient['read']> | undefined;
  connections = 0;
  /**
   * True once the follower has read everything that was there when it connected; from then on it
   * reads new lines.
   */
  caughtUp = false;
  /** Why the reading broke off, each time. */
  readonly errors: string[] = [];

  constructor(socket: string, request: Request, onEvent?: (event: NonNullable<ReadResponse['event']>) => void) {
    this.#client = new LogsClient(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
    });
    this.#request = request;
    this.#onEvent = onEvent ?? ((event) => this.told.push(...wordsOf(event)));
    this.#read();
  }

  close(): void {
    this.#closed = true;
    this.#call?.cancel();
    this.#client.close();
  }

  #read(): void {
    if (this.#closed) return;
    this.connections++;
    const cursor = this.connections === 1 ? undefined : { services: { ...this.#cursor } };
    const call = this.#client.read(
      ReadRequest.fromPartial({ ...this.#request, follow: true, ...(cursor && { cursor, tail: undefined }) }),
      { waitForReady: true } as never,
    );
    this.#call = call;
    call.on('data', ({ event, cursor: reached }: ReadResponse) => {
      if (event?.$case === 'caughtUp') this.caughtUp = true;
      if (event !== undefined) this.#onEvent(event);
      Object.assign(this.#cursor, reached?.services);
    });
    call.on('error', (error: Error) => {
      if (!this.#closed) this.errors.push(error.message);
      setTimeout(() => this.#read(), 20);
    });
  }
}

/**
 * Follows lines that are numbers, from 1 on in each service, and checks that each number comes or
 * is counted in a gap.
 */
export class SequenceCheck {
  /** The last number of each service that came or was counted in a gap. */
  readonly reached = new Map<string, number>();
  readonly wrong: string[] = [];
  readonly #begun = new Map<string, string>();
  lines = 0;
  missing = 0;

  take(event: NonNullable<ReadResponse['event']>): void {
    if (event.$case === 'gap') {
      const { service, lines } = event.value;
      this.reached.set(service, (this.reached.get(service) ?? 0) + Number(lines));
      this.missing += Number(lines);
    } else if (event.$case === 'lines')
      for (const { service, text, partial } of event.value.lines)
        this.#piece(service, Buffer.from(text).toString('latin1'), partial);
  }

  /** A line whose writer pauses for a second in it comes in pieces. */
  #piece(service: string, text: string, goesOn: boolean): void {
    const line = (this.#begun.get(service) ?? '') + text;
    this.#begun.set(service, goesOn ? line : '');
    if (!goesOn) this.#line(service, line);
  }

  #line(service: string, text: string): void {
    const number = Number(text);
    const expected = (this.reached.get(service) ?? 0) + 1;
    if (number !== expected && this.wrong.length < 10) this.wrong.push(`${service}: ${text} after ${expected - 1}`);
    this.reached.set(service, number);
    this.lines++;
  }
}

function wordsOf(event: NonNullable<ReadResponse['event']>): string[] {
  switch (event.$case) {
    case 'lines':
      return event.value.lines.map(({ service, text }) => `${service} ${Buffer.from(text).toString('latin1')}`);
    case 'gap':
      return [`${event.value.service} gap ${event.value.lines}`];
    case 'marker':
      return [`${event.value.service} ${LogMarkerKind[event.value.kind].replace('LOG_MARKER_KIND_', '')}`];
    case 'caughtUp':
    case 'heartbeat':
      return [];
    default:
      return event satisfies never;
  }
}
