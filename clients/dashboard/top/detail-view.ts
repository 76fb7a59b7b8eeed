import { printable } from '../../../src/text/printable.js';
import { causeWords, desiredName, fullState, lastExitWords, troubleWords } from '../../svctl/phrases.js';
import { clockTime, span } from '../../svctl/text/duration.js';
import type { Service } from '../../typescript/src/index.js';
import { type Detail, detailOf } from '../model/detail.js';
import type { Host } from '../model/host.js';
import type { App } from './app.js';
import { confirmActions } from './confirm.js';
import { LogsView } from './logs-view.js';
import { ORDER_KEYS, orderKey } from './order-keys.js';
import type { Screen, Style } from './screen.js';
import { Scroll } from './scroll.js';
import { styleOf } from './service-columns.js';
import type { Area, KeyHelp, View } from './view.js';

/** An explanation has durations in it. */
const AGAIN_MS = 60_000;

type Line = readonly [text: string, style?: Style];

/** All that is known of one service: status, explanation, history, definition. */
export class DetailView implements View {
  readonly keys: readonly KeyHelp[] = [['l', 'logs'], ['p', 'previous run'], ...ORDER_KEYS, ['F5', 'read again']];
  readonly #app: App;
  readonly #host: Host;
  readonly #name: string;
  readonly #scroll = new Scroll();
  #detail: Detail | undefined;
  #problem = '';
  /** The service as it was when the reading began that the detail comes from. */
  #readFor: Pick<Service, 'runId' | 'state'> | undefined;
  #page = 10;
  #count = 0;
  #loading = false;
  #readAtMs = 0;

  constructor(app: App, host: Host, name: string) {
    this.#app = app;
    this.#host = host;
    this.#name = name;
  }

  get title(): string {
    return this.#name;
  }

  draw(screen: Screen, { top, height }: Area): void {
    const service = this.#host.services.get(this.#name);
    // A change that comes during a reading is read afterwards: its end draws again.
    const isStale = service?.runId !== this.#readFor?.runId || service?.state !== this.#readFor?.state;
    if (isStale || Date.now() - this.#readAtMs >= AGAIN_MS) this.#load();
    const lines = this.#lines();
    this.#count = Math.max(1, lines.length - height + 1);
    this.#page = height - 1;
    const from = Math.min(this.#scroll.selected, this.#count - 1);
    this.#scroll.selected = from;
    for (const [row, [text, style]] of lines.slice(from, from + height).entries()) {
      screen.put(0, top + row, printable(text), style);
    }
  }

  key(key: string): boolean {
    if (this.#scroll.key(key, this.#count, this.#page)) return true;
    const target = { host: this.#host, names: [this.#name] };
    if (orderKey(this.#app, key, (order) => confirmActions(this.#app, [{ ...target, order }]))) return true;
    switch (key) {
      case 'l':
      case 'p':
        this.#app.open(new LogsView(this.#app, [target], key === 'p' ? 'previous' : undefined));
        return true;
      case 'F5':
        this.#load();
        return true;
      default:
        return false;
    }
  }

  tickMs(): number {
    const startedMs = this.#host.services.get(this.#name)?.startedAt?.getTime() ?? 0;
    return Date.now() - startedMs < 3_600_000 ? 1000 : 60_000;
  }

  close(): void {}

  #load(): void {
    if (this.#loading) return;
    this.#loading = true;
    this.#readAtMs = Date.now();
    this.#readFor = this.#host.services.get(this.#name);
    void detailOf(this.#host, this.#name)
      .then(
        (detail) => {
          this.#detail = detail;
          this.#problem = '';
        },
        (error: unknown) => {
          this.#problem = error instanceof Error ? error.message : String(error);
        },
      )
      .finally(() => {
        this.#loading = false;
        this.#app.changed();
      });
  }

  #lines(): readonly Line[] {
    const nowMs = Date.now();
    const service = this.#host.services.get(this.#name);
    const title = (text: string): Line => [text, { bold: true }];
    const lines: Line[] = [];
    if (service === undefined) lines.push([`${this.#name}: there is no such service any more`, { color: 'red' }]);
    else {
      const running = service.pid !== 0 && service.startedAt !== undefined;
      const since = running ? `, up ${span(nowMs - (service.startedAt?.getTime() ?? nowMs))}` : '';
      lines.push([`${fullState(service)}${since}`, { bold: true, ...styleOf(service) }]);
      const trouble = troubleWords(service, nowMs);
      if (trouble !== '') lines.push([trouble, { color: 'red' }]);
      lines.push(
        [`desired    ${desiredName(service.desired)}`],
        [`pid        ${service.pid === 0 ? '-' : service.pid}`],
        [`run        ${service.run}${service.runId === '' ? '' : ` (${service.runId})`}`],
        [`restarts   ${service.restartsTotal}, ${service.consecutiveFailures} failures in a row`],
        [`last exit  ${lastExitWords(service.lastExit, nowMs)}`],
        [`cause      ${causeWords(service)}`],
        [`directory  ${service.directory}`],
      );
    }
    if (this.#problem !== '') lines.push([this.#problem, { color: 'red' }]);
    if (this.#detail === undefined) return lines;
    const { explanation, history, definition } = this.#detail;
    const at = clockTime(new Date(this.#readAtMs)).slice(0, 8);
    lines.push([''], title(`Explanation, at ${at}`));
    for (const step of explanation) {
      if (explanation.length > 1) lines.push([`  ${step.service}`, { color: 'cyan' }]);
      for (const line of step.lines) lines.push([`  ${line}`]);
    }
    lines.push([''], title('History'));
    for (const line of history.slice(0, 50)) lines.push([`  ${line}`]);
    if (history.length === 0) lines.push(['  the log holds no run']);
    lines.push([''], title('Definition'));
    const width = Math.max(0, ...definition.map(({ key }) => key.length));
    for (const { key, value, from } of definition) {
      lines.push([
        `  ${key.padEnd(width)}  ${value}${from === 'default' ? '' : `  (${from})`}`,
        from === 'default' ? { faint: true } : {},
      ]);
    }
    return lines;
  }
}
