import { WatchResponse } from '../../gen/my_init/v1/services.js';
import type { Change, ServiceStatus, ServiceView } from '../types/service.js';
import { changeMessage, serviceMessage } from './to-proto.js';

/**
 * The messages for watchers, encoded: watchers of the same selection share the bytes, which are
 * several times smaller than objects.
 */
export class WatchMessages {
  readonly #view: ServiceView;
  /** As long as the view holds the changes. */
  readonly #changes = new WeakMap<Change, Buffer>();
  #snapshotOfAll: { readonly revision: number; readonly message: Buffer } | undefined;

  constructor(view: ServiceView) {
    this.#view = view;
  }

  change(change: Change): Buffer {
    const known = this.#changes.get(change);
    if (known !== undefined) return known;
    const message = encoded({ $case: 'change', value: changeMessage(change) });
    this.#changes.set(change, message);
    return message;
  }

  /** The selected services as they are now. */
  snapshot(selected: (name: string) => boolean): Buffer {
    const all = this.#view.list();
    const services = all.filter(({ name }) => selected(name));
    return services.length === all.length ? this.#snapshotOf(all) : this.#encodeSnapshot(services);
  }

  #snapshotOf(all: readonly ServiceStatus[]): Buffer {
    const { revision } = this.#view;
    if (this.#snapshotOfAll?.revision !== revision)
      this.#snapshotOfAll = { revision, message: this.#encodeSnapshot(all) };
    return this.#snapshotOfAll.message;
  }

  #encodeSnapshot(services: readonly ServiceStatus[]): Buffer {
    const revision = BigInt(this.#view.revision);
    return encoded({ $case: 'snapshot', value: { services: services.map(serviceMessage), revision } });
  }
}

export const encoded = (event: WatchResponse['event']): Buffer => Buffer.from(WatchResponse.encode({ event }).finish());
