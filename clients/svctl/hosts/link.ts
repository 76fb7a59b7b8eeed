import { Duplex, type Readable, type Writable } from 'node:stream';

/**
 * Comes before the frames: a shell may have printed something before. The number is the version of
 * the frames.
 */
export const GREETING = '\0my_init dial-stdio 1\n';

/**
 * A frame is its type, the length of its payload as a big-endian 32-bit number, and the payload.
 */
const HEADER_BYTES = 5;
const FrameType = { data: 0, end: 1, ping: 2 } as const;
type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** More than either end ever sends at once. */
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** Proxies and load balancers cut a connection that is idle for a minute or more. */
const PING_MS = 15_000;
/** Two pings may be missed. */
const SILENCE_MS = 50_000;

export interface LinkOptions {
  readonly pingMs?: number;
  readonly silenceMs?: number;
  /** Why the other end is gone, when it ended without its last frame. */
  readonly whyCut?: () => Promise<string>;
}

/**
 * The two directions between `svctl -H` and `svctl dial-stdio`, in frames over the pipes of docker,
 * podman, kubectl or ssh. An end has a frame of its own: these tools neither pass on a half-closed
 * pipe reliably, nor does their exit code tell an end from a cut (kubernetes/kubernetes#73056).
 * Each end sends pings, and gives up when the other end is silent.
 */
export class Link extends Duplex {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #silenceMs: number;
  readonly #whyCut: () => Promise<string>;
  readonly #timer: NodeJS.Timeout;
  #pending: Buffer = Buffer.alloc(0);
  #heardMs = performance.now();
  #endSent = false;
  #endReceived = false;

  constructor(input: Readable, output: Writable, options: LinkOptions = {}) {
    super();
    const { pingMs = PING_MS, silenceMs = SILENCE_MS, whyCut = async () => 'the link was cut' } = options;
    this.#input = input;
    this.#output = output;
    this.#silenceMs = silenceMs;
    this.#whyCut = whyCut;
    input.on('data', (chunk: Buffer) => this.#receive(chunk));
    for (const event of ['end', 'close', 'error']) input.once(event, () => this.#cut());
    output.on('error', () => this.#cut());
    this.#timer = setInterval(() => this.#ping(), pingMs).unref();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send(FrameType.data, chunk, done);
  }

  override _final(done: () => void): void {
    this.#sendEnd();
    done();
  }

  override _read(): void {
    // Nothing was listened to while the reader was busy.
    if (this.#input.isPaused()) this.#heardMs = performance.now();
    this.#input.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#timer);
    this.#sendEnd();
    this.#input.resume();
    done(error);
  }

  #receive(chunk: Buffer): void {
    this.#heardMs = performance.now();
    if (this.destroyed || this.#endReceived) return;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= HEADER_BYTES) {
      const type = this.#pending.readUInt8(0);
      const end = HEADER_BYTES + this.#pending.readUInt32BE(1);
      if (end > HEADER_BYTES + MAX_PAYLOAD_BYTES) {
        this.destroy(new Error('the other end of the link does not send frames'));
        return;
      }
      if (this.#pending.length < end) break;
      const payload = this.#pending.subarray(HEADER_BYTES, end);
      this.#pending = this.#pending.subarray(end);
      if (type === FrameType.data && !this.push(payload)) this.#input.pause();
      if (type === FrameType.end) {
        this.#endReceived = true;
        this.push(null);
      }
    }
  }

  #ping(): void {
    if (!this.#endSent) this.#send(FrameType.ping);
    const silentMs = this.#input.isPaused() || this.#endReceived ? 0 : performance.now() - this.#heardMs;
    if (silentMs > this.#silenceMs) {
      this.destroy(new Error(`the other end gave no sign of life for ${Math.round(silentMs / 1000)} s`));
    }
  }

  #cut(): void {
    if (this.#endReceived || this.destroyed) return;
    this.#endReceived = true;
    this.#whyCut().then(
      (why) => this.destroy(new Error(why)),
      (error: Error) => this.destroy(error),
    );
  }

  #sendEnd(): void {
    if (this.#endSent) return;
    this.#endSent = true;
    this.#send(FrameType.end);
    this.#output.end();
  }

  #send(type: FrameType, payload: Buffer = Buffer.alloc(0), done?: (error?: Error | null) => void): void {
    if (!this.#output.writable) {
      // The input says why.
      done?.();
      return;
    }
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt8(type, 0);
    header.writeUInt32BE(payload.length, 1);
    this.#output.cork();
    this.#output.write(header);
    this.#output.write(payload, () => done?.());
    process.nextTick(() => this.#output.uncork());
  }
}
