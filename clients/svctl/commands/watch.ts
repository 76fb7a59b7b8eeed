import { type Service, ServiceState } from '../../../gen/my_init/v1/service.js';
import {
  ServicesService,
  type WatchChange,
  type WatchRequest,
  WatchResponse,
} from '../../../gen/my_init/v1/services.js';
import { printable } from '../../../src/text/printable.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { lasting } from '../lasting.js';
import { FORMATS, outputOption } from '../options.js';
import { selectorOf } from '../selector.js';
import { clockTime } from '../text/duration.js';
import { visibleLength } from '../text/paint.js';
import { causeWords, fullState, stateStyle, troubleWords } from '../words.js';

export const watch: Command = {
  name: 'watch',
  summary: 'follow the changes of services',
  usage: '[NAME…]',
  operands: 'services',
  description:
    'Prints one line for each change of a service: when, which, from which state to which, and why. Goes on until Ctrl-C, also across a restart of the controller or of the container: what happened meanwhile is told afterwards. With -o jsonl each line is a WatchResponse (snapshot, change or gap).',
  examples: ['svctl watch', "svctl watch 'web-*' -o jsonl"],
  options: [outputOption(FORMATS)],
  run: watchServices,
};

/** So many heartbeats may be missed before the connection counts as dead. */
const HEARTBEATS_MISSED = 2.5;

async function watchServices(context: Context): Promise<ExitCode> {
  const view = new View(context);
  // Nobody reads any more (`svctl watch | head -1`): there is nothing left to do.
  process.stdout.once('error', () => process.exit(ExitCode.ok));
  const stream = lasting(context, ServicesService.watch, {
    request: () => view.request(),
    endless: true,
    silenceMs: ({ event }) =>
      event?.$case === 'hello' ? event.value.heartbeatSeconds * 1000 * HEARTBEATS_MISSED : undefined,
  });
  for await (const response of stream) view.take(response);
  return ExitCode.ok;
}

/** What is known of the services, and how far. */
class View {
  readonly #services = new Map<string, Service>();
  readonly #context: Context;
  #bootId = '';
  #bootIsNew = true;
  #revision = 0n;
  #known = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Goes on after the last change that arrived. */
  request(): WatchRequest {
    return {
      selector: selectorOf(this.#context.operands),
      sinceRevision: this.#revision,
      bootId: this.#bootId,
      heartbeatInterval: undefined,
    };
  }

  take(response: WatchResponse): void {
    const { event } = response;
    switch (event?.$case) {
      case 'hello':
        this.#bootIsNew = event.value.bootId !== this.#bootId;
        this.#bootId = event.value.bootId;
        break;
      case 'snapshot':
        this.#revision = event.value.revision;
        this.#json(response);
        this.#replace(event.value.services);
        break;
      case 'change':
        this.#revision = event.value.revision;
        this.#json(response);
        this.#change(event.value);
        break;
      case 'heartbeat':
        if (event.value.revision > this.#revision) this.#revision = event.value.revision;
        break;
      case 'gap': {
        const { fromRevision, toRevision } = event.value;
        this.#json(response);
        // A new boot counts from the beginning; the gap to it has no number.
        if (!this.#bootIsNew) {
          this.#context.note(
            `${toRevision - fromRevision + 1n} changes were missed; what follows is what they came to`,
          );
        }
        break;
      }
      case undefined:
        break;
      default:
        event satisfies never;
    }
  }

  /** The first snapshot is where the changes start from; a later one is compared with what was known. */
  #replace(services: readonly Service[]): void {
    const gone = new Map(this.#services);
    for (const service of services) {
      const before = gone.get(service.name);
      gone.delete(service.name);
      this.#services.set(service.name, service);
      if (this.#known && changed(before, service)) {
        this.#line(service, service.stateSince, before === undefined ? 'new' : fullState(before), fullState(service));
      }
    }
    for (const service of gone.values()) {
      this.#services.delete(service.name);
      this.#line(service, undefined, fullState(service), 'removed');
    }
    this.#known = true;
  }

  #change({ service, time, removed }: WatchChange): void {
    if (service === undefined) return;
    const before = this.#services.get(service.name);
    if (removed) this.#services.delete(service.name);
    else this.#services.set(service.name, service);
    if (!removed && !changed(before, service)) return;
    this.#line(
      service,
      time,
      before === undefined ? 'new' : fullState(before),
      removed ? 'removed' : fullState(service),
    );
  }

  #json(response: WatchResponse): void {
    const { format } = this.#context;
    if (format === 'json' || format === 'jsonl') this.#context.json(WatchResponse.toJSON(response));
  }

  #line(service: Service, time: Date | undefined, from: string, to: string): void {
    const { format } = this.#context;
    switch (format) {
      case 'json':
      case 'jsonl':
        return;
      case 'name':
        this.#context.line(service.name);
        return;
      case 'table':
      case 'wide':
        this.#context.print(`${this.#words(service, time, from, to).trimEnd()}\n`);
        return;
      default:
        format satisfies never;
    }
  }

  #words(service: Service, time: Date | undefined, from: string, to: string): string {
    const { paint, format } = this.#context;
    const width = Math.max(0, ...[...this.#services.keys(), service.name].map(visibleLength));
    const fill = ' '.repeat(Math.max(0, STATES_WIDTH - visibleLength(`${from} → ${to}`)));
    const shown = `${from} → ${paint(stateStyle(service), to)}${fill}`;
    const pid = format === 'wide' ? `  ${service.pid === 0 ? '-' : `pid ${service.pid}`}` : '';
    const at = paint('faint', clockTime(time ?? new Date()));
    return `${at}  ${printable(service.name).padEnd(width)}  ${shown}${pid}  ${printable(reason(service, Date.now()))}`;
  }
}

/** Wide enough for all but the rarest pair. */
const STATES_WIDTH = 'finishing → starting'.length;

/** A person has seen something happen: the number of a pid is not it, another run in the same state is. */
function changed(before: Service | undefined, now: Service): boolean {
  return before === undefined || before.runId !== now.runId || fullState(before) !== fullState(now);
}

/** In back-off the trouble says more than the cause: it has the next attempt. */
function reason(service: Service, nowMs: number): string {
  const trouble = troubleWords(service, nowMs);
  return service.state === ServiceState.SERVICE_STATE_BACKOFF || service.state === ServiceState.SERVICE_STATE_FAILED
    ? trouble
    : causeWords(service);
}
