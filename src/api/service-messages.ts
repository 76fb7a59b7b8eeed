import type { LogLoss } from '../../gen/my_init/v1/init.js';
import { ListResponse, WatchResponse } from '../../gen/my_init/v1/services.js';
import type { Change, ServiceStatus, ServiceView } from '../types/service.js';
import { changeMessage, serviceMessage } from './to-proto.js';

/** The answer of one revision to a call for all services. */
interface OfAll {
  readonly revision: number;
  readonly snapshot?: Buffer;
  readonly list?: Buffer;
}

/**
 * Encoded messages with services in them. Clients that ask for the same at the same revision share
 * the bytes, which are several times smaller than objects.
 */
export class ServiceMessages {
  readonly #view: ServiceView;
  /** As long as the view holds the changes. */
  readonly #changes = new WeakMap<Change, Buffer>();
  #ofAll: OfAll = { revision: -1 };

  constructor(view: ServiceView) {
    this.#view = view;
  }

  /** A `ListResponse`. `losses`: of all logs, which have no revision. */
  list(selected: readonly ServiceStatus[], losses: readonly LogLoss[]): Buffer {
    const services = this.#shared('list', selected, (revision) =>
      listed({ services: selected.map(serviceMessage), revision, bootId: this.#view.bootId }),
    );
    const logLosses = losses.filter(({ source }) => selected.some(({ name }) => name === source));
    // Messages that stand one after the other are one message.
    return logLosses.length === 0 ? services : Buffer.concat([services, listed({ logLosses })]);
  }

  /** For watchers: the selected services as they are now. */
  snapshot(selects: (status: ServiceStatus) => boolean): Buffer {
    const selected = this.#view.list().filter(selects);
    return this.#shared('snapshot', selected, (revision) =>
      encoded({ $case: 'snapshot', value: { services: selected.map(serviceMessage), revision } }),
    );
  }

  /** For watchers: one service after a change. */
  change(change: Change): Buffer {
    const known = this.#changes.get(change);
    if (known !== undefined) return known;
    const message = encoded({ $case: 'change', value: changeMessage(change) });
    this.#changes.set(change, message);
    return message;
  }

  #shared(kind: 'snapshot' | 'list', selected: readonly ServiceStatus[], encode: (revision: bigint) => Buffer): Buffer {
    const { revision } = this.#view;
    if (selected.length < this.#view.list().length) return encode(BigInt(revision));
    if (this.#ofAll.revision !== revision) this.#ofAll = { revision };
    const message = this.#ofAll[kind] ?? encode(BigInt(revision));
    this.#ofAll = { ...this.#ofAll, [kind]: message };
    return message;
  }
}

const listed = (response: Partial<ListResponse>): Buffer =>
  Buffer.from(ListResponse.encode(ListResponse.fromPartial(response)).finish());

export const encoded = (event: WatchResponse['event']): Buffer => Buffer.from(WatchResponse.encode({ event }).finish());
