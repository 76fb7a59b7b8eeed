import { describeChange } from '../../../src/text/limits.js';
import { printable } from '../../../src/text/printable.js';
import type { WatchEvent } from '../../typescript/src/index.js';
import {
  type ContainerLimits,
  type Service,
  type ServiceChange,
  ServiceState,
  WatchResponse,
  watch as watched,
} from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { limitValues } from '../limit-values.js';
import { FORMATS, outputOption } from '../options.js';
import { causeWords, fullState, stateStyle, troubleWords } from '../phrases.js';
import { clockTime } from '../text/duration.js';
import { visibleLength } from '../text/paint.js';

export const watch: Command = {
  name: 'watch',
  summary: 'follow the changes of services',
  usage: '[NAME…]',
  operands: 'services',
  hosts: 'follows',
  description:
    'Prints one line for each change of a service (time, name, old and new state, cause) and for each change of the limits of the container. Goes on until Ctrl-C, also across a restart of the controller or of the container: changes in between follow afterwards. With -o jsonl, each line is a WatchResponse (snapshot, change, limits or gap).',
  examples: ['svctl watch', "svctl watch 'web-*' -o jsonl"],
  options: [outputOption(FORMATS)],
  run: watchServices,
};

async function watchServices(context: Context): Promise<ExitCode> {
  // Nobody reads any more (`svctl watch | head -1`): there is nothing left to do.
  process.stdout.once('error', () => process.exit(ExitCode.ok));
  const printer = new ChangePrinter(context);
  for await (const event of watched(context.connection, context.operands)) printer.take(event);
  return ExitCode.ok;
}

/** Prints a line for each change. */
class ChangePrinter {
  readonly #context: Context;
  readonly #json: boolean;
  #width = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#json = context.format === 'json' || context.format === 'jsonl';
  }

  take(event: WatchEvent): void {
    if (this.#json) {
      this.#context.json(WatchResponse.toJSON(messageOf(event)));
      if (event.kind !== 'gap') return;
    }
    switch (event.kind) {
      case 'snapshot':
        for (const { name } of event.services) this.#width = Math.max(this.#width, visibleLength(name));
        for (const change of event.changes)
          this.#change(change, change.removed ? undefined : change.service.stateSince);
        break;
      case 'change':
        this.#change(event, event.time);
        break;
      case 'limits':
        this.#limits(event.before, event.limits, event.time);
        break;
      case 'gap':
        // A new boot counts from the beginning; the gap to it has no number.
        if (!event.newBoot) {
          const missed = event.toRevision - event.fromRevision + 1n;
          this.#context.note(`${missed} changes were missed; what follows is what they came to`);
        }
        break;
      default:
        event satisfies never;
    }
  }

  #change({ service, before, removed }: ServiceChange, time: Date | undefined): void {
    if (!removed && !changed(before, service)) return;
    this.#line(
      service,
      time,
      before === undefined ? 'new' : fullState(before),
      removed ? 'removed' : fullState(service),
    );
  }

  #line(service: Service, time: Date | undefined, from: string, to: string): void {
    if (this.#context.format === 'name') this.#context.line(service.name);
    else this.#context.print(`${this.#words(service, time, from, to).trimEnd()}\n`);
  }

  #limits(before: ContainerLimits | undefined, now: ContainerLimits | undefined, time: Date | undefined): void {
    if (this.#context.format === 'name') return;
    const at = this.#context.paint('faint', clockTime(time ?? new Date()));
    for (const text of describeChange(limitValues(before), limitValues(now)))
      this.#context.print(`${at}  ${'my_init'.padEnd(this.#width)}  ${text}\n`);
  }

  #words(service: Service, time: Date | undefined, from: string, to: string): string {
    const { paint, format } = this.#context;
    this.#width = Math.max(this.#width, visibleLength(service.name));
    const fill = ' '.repeat(Math.max(0, STATES_WIDTH - visibleLength(`${from} → ${to}`)));
    const shown = `${from} → ${paint(stateStyle(service), to)}${fill}`;
    const pid = format === 'wide' ? `  ${service.pid === 0 ? '-' : `pid ${service.pid}`}` : '';
    const at = paint('faint', clockTime(time ?? new Date()));
    const name = printable(service.name).padEnd(this.#width);
    return `${at}  ${name}  ${shown}${pid}  ${printable(reason(service, Date.now()))}`;
  }
}

/** The message of the API that an event stands for. */
function messageOf(event: WatchEvent): WatchResponse {
  switch (event.kind) {
    case 'snapshot': {
      const { revision, services } = event;
      return { event: { $case: 'snapshot', value: { revision, services: [...services] } } };
    }
    case 'change': {
      const { revision, time, service, previousState, removed } = event;
      return { event: { $case: 'change', value: { revision, time, service, previousState, removed } } };
    }
    case 'limits': {
      const { time, limits, before } = event;
      return { event: { $case: 'limits', value: { time, limits, before } } };
    }
    case 'gap': {
      const { fromRevision, toRevision } = event;
      return { event: { $case: 'gap', value: { fromRevision, toRevision } } };
    }
    default:
      return event satisfies never;
  }
}

/** Wide enough for all but the rarest pair. */
const STATES_WIDTH = 'finishing → starting'.length;

/**
 * A person has seen something happen: the number of a pid is not it, another run in the same state
 * is.
 */
function changed(before: Service | undefined, now: Service): boolean {
  return before === undefined || before.runId !== now.runId || fullState(before) !== fullState(now);
}

/**
 * In back-off the trouble says more than the cause: only the trouble has the time of the next
 * attempt.
 */
function reason(service: Service, nowMs: number): string {
  const trouble = troubleWords(service, nowMs);
  return service.state === ServiceState.SERVICE_STATE_BACKOFF || service.state === ServiceState.SERVICE_STATE_FAILED
    ? trouble
    : causeWords(service);
}
