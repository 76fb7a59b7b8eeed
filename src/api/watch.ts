import type { ServerWritableStream } from '@grpc/grpc-js';
import { ServicesService, type WatchRequest } from '../../gen/my_init/v1/services.js';
import type { ContainerLimits } from '../resources/container-limits.js';
import type { LimitValues } from '../text/limits.js';
import type { ServiceControl } from '../types/operations.js';
import type { ServiceView } from '../types/service.js';
import type { DeferredWork } from './deferred-work.js';
import { badArgument } from './errors.js';
import { heartbeatOf, selectorOf } from './from-proto.js';
import { statusMatcherOf } from './selector.js';
import { encoded, type ServiceMessages } from './service-messages.js';
import { limitsMessage } from './to-proto.js';

const asEncoded = (message: Buffer): Buffer => message;

/** `Services.List` and `Watch` answer with the bytes of {@link ServiceMessages}. */
export const servicesService = {
  ...ServicesService,
  list: { ...ServicesService.list, responseSerialize: asEncoded },
  watch: { ...ServicesService.watch, responseSerialize: asEncoded },
} as const;

interface Sources {
  readonly view: ServiceView;
  readonly control: ServiceControl;
  readonly limits: ContainerLimits;
  readonly version: string;
  /** Shared by all watchers. */
  readonly messages: ServiceMessages;
  readonly deferred: DeferredWork;
}

/**
 * `Services.Watch`: hello, snapshot, changes, heartbeats. The changes that the view holds are the
 * only buffer: a client that reads too slowly learns of the gap and gets a new snapshot.
 *
 * @returns the function that ends the call
 */
export function watchServices(call: ServerWritableStream<WatchRequest, Buffer>, sources: Sources): () => void {
  const { view, control, limits, version, messages, deferred } = sources;
  const { request } = call;
  const heartbeatMs = heartbeatOf(request);
  const selected = statusMatcherOf(selectorOf(request.selector), control);

  const resumed = resumedFrom(request, view);
  /** The last revision that the client knows of. */
  let known = resumed ?? view.revision;
  let blocked = false;
  /** A change of the limits that the client does not know yet. */
  let resized: { readonly before: LimitValues; readonly now: LimitValues } | undefined;

  const send = (message: Buffer) => {
    blocked = !call.write(message);
    heartbeat.refresh();
  };

  const sendGap = (from: number) =>
    send(encoded({ $case: 'gap', value: { fromRevision: BigInt(from), toRevision: BigInt(view.revision) } }));

  const sendSnapshot = () => {
    known = view.revision;
    send(messages.snapshot(selected));
  };

  /** Sends what the client does not know yet, as long as it reads. */
  const catchUp = () => {
    if (!blocked && resized !== undefined) {
      send(encoded({ $case: 'limits', value: limitsChange(resized) }));
      resized = undefined;
    }
    if (blocked || known === view.revision) return;
    const changes = view.changesSince(known);
    if (changes === undefined) {
      sendGap(known + 1);
      sendSnapshot();
      return;
    }
    for (const change of changes) {
      known = change.revision;
      if (selected(change.status)) send(messages.change(change));
      if (blocked) return;
    }
  };

  const heartbeat = setInterval(() => {
    limits.look();
    if (!blocked) send(encoded({ $case: 'heartbeat', value: { revision: BigInt(known), time: new Date() } }));
  }, heartbeatMs);

  const hello = { bootId: view.bootId, version, revision: BigInt(view.revision), heartbeatSeconds: heartbeatMs / 1000 };
  send(encoded({ $case: 'hello', value: hello }));
  if (resumed === undefined) {
    if (request.bootId !== '') sendGap(Math.min(1, view.revision));
    sendSnapshot();
  }
  deferred.add(catchUp);

  // Several changes go out together, once their author has finished.
  const unsubscribe = view.subscribe(() => deferred.add(catchUp));
  const unsubscribeLimits = limits.subscribe((before, now) => {
    resized = { before: resized?.before ?? before, now };
    deferred.add(catchUp);
  });
  call.on('drain', () => {
    blocked = false;
    deferred.add(catchUp);
  });
  return () => {
    // The server ends: the next controller does not hold the changes of this one.
    if (!call.cancelled) catchUp();
    clearInterval(heartbeat);
    unsubscribe();
    unsubscribeLimits();
    deferred.delete(catchUp);
  };
}

/**
 * The revision to go on after; undefined when there is none, or it is of another boot or from the
 * future.
 */
function resumedFrom(request: WatchRequest, view: ServiceView): number | undefined {
  if (request.sinceRevision > 0n && request.bootId === '')
    throw badArgument('boot_id', 'must say which boot since_revision belongs to');
  if (request.bootId !== view.bootId || request.sinceRevision > BigInt(view.revision)) return undefined;
  return Number(request.sinceRevision);
}

const limitsChange = ({ before, now }: { readonly before: LimitValues; readonly now: LimitValues }) => ({
  time: new Date(),
  limits: limitsMessage(now),
  before: limitsMessage(before),
});
