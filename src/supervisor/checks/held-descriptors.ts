import { closeSync } from 'node:fs';
import { crypto } from '../../process/crypto.js';
import { native, type ReadableWatch } from '../../process/native.js';
import type { ServiceName } from '../../types/service.js';
import type { Holder } from '../held-files.js';

const PREFIX = 'notify.';

/** Names are short in init, and those of services are not. */
export const shortName = (name: ServiceName): string =>
  crypto().createHash('sha256').update(name).digest('hex').slice(0, 16);

/**
 * Descriptors that services write to when they have something to say: init holds our end of them.
 */
export class HeldDescriptors {
  readonly #holder: Holder;
  readonly #inherited: Map<string, number>;
  readonly #series: string;
  readonly #open = new Set<HeldDescriptor>();
  #last = 0;

  /** `held`: by earlier controllers; `series` tells the names of this controller from theirs. */
  constructor(holder: Holder, held: ReadonlyMap<string, number>, series: number) {
    this.#holder = holder;
    this.#inherited = new Map([...held].filter(([name]) => name.startsWith(PREFIX)));
    this.#series = `${series}`;
  }

  /** Has init hold a descriptor of a service. Closes it where that does not work. */
  hold(service: ServiceName, kind: 'fd' | 'socket', fd: number): HeldDescriptor {
    this.#last += 1;
    // No name comes twice: the release of an earlier descriptor may still be on its way to init.
    const name = `${prefixOf(service, kind)}${this.#series}.${this.#last}`;
    try {
      this.#holder.hold(name, fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return this.#make(fd, name);
  }

  /** The one that an earlier controller had; undefined when there is none. */
  inherit(service: ServiceName, kind: 'fd' | 'socket'): HeldDescriptor | undefined {
    const prefix = prefixOf(service, kind);
    const found = [...this.#inherited].find(([name]) => name.startsWith(prefix));
    if (found === undefined) return undefined;
    const [name, fd] = found;
    this.#inherited.delete(name);
    return this.#make(fd, name);
  }

  /** Leaves what services say unread, or reads on. */
  pause(paused: boolean): void {
    for (const descriptor of this.#open) descriptor.pause(paused);
  }

  /** Releases descriptors that no service has asked for. */
  releaseRest(): void {
    for (const [name, fd] of this.#inherited) this.#make(fd, name).close();
    this.#inherited.clear();
  }

  #make(fd: number, name: string): HeldDescriptor {
    const descriptor: HeldDescriptor = new HeldDescriptor(fd, () => {
      this.#open.delete(descriptor);
      this.#holder.release(name);
    });
    this.#open.add(descriptor);
    return descriptor;
  }
}

const prefixOf = (service: ServiceName, kind: string): string => `${PREFIX}${shortName(service)}.${kind}.`;

/** Read by this controller until it is closed, for init too. */
export class HeldDescriptor {
  readonly fd: number;
  readonly #release: () => void;
  #watch: ReadableWatch | undefined;
  #open = true;

  constructor(fd: number, release: () => void) {
    this.fd = fd;
    this.#release = release;
  }

  /** Calls the listener as long as there is something to read. */
  watch(readable: () => void): void {
    this.#watch = native().watchReadable(this.fd, readable);
    native().watchOn(this.#watch, true);
  }

  pause(paused: boolean): void {
    if (this.#watch !== undefined) native().watchOn(this.#watch, !paused);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#watch !== undefined) native().endWatch(this.#watch);
    closeSync(this.fd);
    this.#release();
  }
}
