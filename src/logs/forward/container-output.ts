import { standardError } from '../../process/last-words.js';
import { within } from '../../process/within.js';
import type { LogOutput } from '../../types/logs.js';
import type { Sources } from '../capture/sources.js';
import { Forwarder } from './forwarder.js';
import { openOutput, shieldStandardStreams } from './output.js';

/** The forwarding of captured lines to the container's standard output and error. */
export class ContainerOutput {
  readonly #sources: Sources;
  readonly #forwarders: readonly Forwarder[];

  constructor(sources: Sources, mode: LogOutput) {
    this.#sources = sources;
    shieldStandardStreams();
    this.#forwarders = forwarders(sources, mode);
  }

  /**
   * At the end: captures everything written so far, and resolves when it is forwarded, or after
   * this time.
   */
  async finish(limitMs: number): Promise<void> {
    const drained = this.#sources.list().map((source) => new Promise<void>((resolve) => source.drain(resolve)));
    await within(
      Promise.all(drained).then(() => {
        this.#sources.writeOut();
        return this.#flushed();
      }),
      limitMs,
    );
  }

  /** Resolves when all that was taken in until now is written, or after this time. */
  async flush(limitMs: number): Promise<void> {
    await within(this.#flushed(), limitMs);
  }

  #flushed(): Promise<unknown> {
    return Promise.all(this.#forwarders.map((forwarder) => forwarder.flushed()));
  }
}

/**
 * One forwarder for each stream. If both streams go to the same place, one forwarder keeps their
 * order.
 */
function forwarders(sources: Sources, mode: LogOutput): readonly Forwarder[] {
  const stdout = openOutput(1);
  const stderr = openOutput(standardError());
  if (stdout.identity === stderr.identity) return [new Forwarder(sources, stdout, undefined, mode)];
  return [new Forwarder(sources, stdout, 'stdout', mode), new Forwarder(sources, stderr, 'stderr', mode)];
}
