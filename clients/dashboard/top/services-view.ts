import { printable } from '../../../src/text/printable.js';
import { troubleWords } from '../../svctl/phrases.js';
import { cut } from '../../svctl/text/fit.js';
import { type Service, ServiceState } from '../../typescript/src/index.js';
import type { Action } from '../model/action.js';
import type { Host } from '../model/host.js';
import type { Order } from '../model/order.js';
import type { App } from './app.js';
import { fitted } from './cells.js';
import { confirmActions } from './confirm.js';
import { DetailView } from './detail-view.js';
import { Entries, type Entry, idOf, SORTS, type Sort, STATES, type StateFilter } from './entries.js';
import { LogsView } from './logs-view.js';
import { ORDER_KEYS, orderKey } from './order-keys.js';
import { TextPrompt } from './prompt.js';
import type { Screen, Style } from './screen.js';
import { Scroll } from './scroll.js';
import { type Column, columnsOf } from './service-columns.js';
import type { Area, KeyHelp, View } from './view.js';

/** The list of all services. */
export class ServicesView implements View {
  readonly keys: readonly KeyHelp[] = [
    ['⏎', 'detail'],
    ['l', 'logs'],
    ['L', 'all logs'],
    ...ORDER_KEYS,
    ['space', 'mark'],
    ['/', 'filter'],
    ['f', 'by state'],
    ['o', 'sort'],
  ];
  readonly #app: App;
  readonly #hosts: readonly Host[];
  readonly #entriesOf: Entries;
  readonly #scroll = new Scroll();
  readonly #marked = new Set<string>();
  #filter = '';
  #state: StateFilter = 'all';
  #sort: Sort = 'name';
  #page = 10;

  constructor(app: App, hosts: readonly Host[], filter = '') {
    this.#app = app;
    this.#hosts = hosts;
    this.#entriesOf = new Entries(hosts);
    this.#filter = filter;
  }

  get title(): string {
    const all = this.#hosts.reduce((sum, { services }) => sum + services.size, 0);
    const shown = this.#entries().length;
    const parts = [
      `${shown === all ? '' : `${shown} of `}${all} ${all === 1 ? 'service' : 'services'}`,
      this.#state === 'all' ? '' : this.#state,
      this.#filter === '' ? '' : `"${this.#filter}"`,
      this.#sort === 'name' ? '' : `by ${this.#sort}`,
      this.#marked.size === 0 ? '' : `${this.#marked.size} marked`,
    ];
    return parts.filter(Boolean).join(', ');
  }

  draw(screen: Screen, { top, height }: Area): void {
    const entries = this.#entries();
    const nowMs = Date.now();
    const rows = Math.max(0, height - 2);
    this.#page = Math.max(1, rows);
    this.#scroll.fit(entries.length, rows);
    const columns = columnsOf(screen.width, entries, this.#hosts.length > 1, (entry) => this.#marked.has(idOf(entry)));
    this.#line(screen, top, columns, ({ title }) => title, { faint: true });
    for (const [row, entry] of entries.slice(this.#scroll.offset, this.#scroll.offset + rows).entries()) {
      const selected = this.#scroll.offset + row === this.#scroll.selected;
      const y = top + 1 + row;
      this.#line(
        screen,
        y,
        columns,
        (column) => column.text(entry, nowMs),
        selected ? { inverse: true } : {},
        entry.service,
      );
    }
    const selected = entries[this.#scroll.selected];
    if (selected === undefined) {
      screen.put(
        2,
        top + 1,
        this.#hosts.some(({ services }) => services.size > 0) ? 'no service fits the filter' : 'no services',
      );
    } else {
      const trouble = troubleWords(selected.service, nowMs);
      screen.put(0, top + height - 1, printable(trouble), { color: 'red' });
    }
  }

  key(key: string): boolean {
    const entries = this.#entries();
    if (this.#scroll.key(key, entries.length, this.#page)) return true;
    const selected = entries[this.#scroll.selected];
    const chosen = this.#chosen();
    if (chosen.length > 0 && orderKey(this.#app, key, (order) => this.#confirm(order, chosen))) return true;
    switch (key) {
      case 'ENTER':
      case 'KP_ENTER':
        if (selected !== undefined) this.#app.open(new DetailView(this.#app, selected.host, selected.service.name));
        return true;
      case 'l':
        if (selected !== undefined) this.#app.open(LogsView.of(this.#app, this.#chosen()));
        return true;
      case 'L':
        this.#app.open(LogsView.ofAll(this.#app, this.#hosts));
        return true;
      case ' ':
        if (selected !== undefined) this.#mark(selected);
        this.#scroll.key('DOWN', entries.length, 1);
        return true;
      case '/':
        this.#app.ask(
          new TextPrompt(
            'filter by name, state, tag or host',
            this.#filter,
            () => undefined,
            (text) => {
              this.#filter = text;
            },
          ),
        );
        return true;
      case 'f':
        this.#state = next(STATES, this.#state);
        return true;
      case 'o':
        this.#sort = next(SORTS, this.#sort);
        return true;
      case 'ESCAPE':
        this.#marked.clear();
        this.#filter = '';
        this.#state = 'all';
        return true;
      default:
        return false;
    }
  }

  tickMs(): number {
    const nowMs = Date.now();
    const young = this.#entries().some(({ service: { state, stateSince, startedAt } }) => {
      const sinceMs = (startedAt ?? stateSince)?.getTime() ?? 0;
      return nowMs - sinceMs < 60_000 || state === ServiceState.SERVICE_STATE_BACKOFF;
    });
    if (this.#entries().length === 0) return Infinity;
    return young ? 1000 - (nowMs % 1000) : 60_000 - (nowMs % 60_000);
  }

  close(): void {}

  #line(
    screen: Screen,
    y: number,
    columns: readonly Column[],
    text: (column: Column) => string,
    style: Style,
    service?: Service,
  ): void {
    let x = 0;
    for (const column of columns) {
      const words = printable(text(column));
      const shown = fitted(column.keepsEnds ? cut(words, column.width) : words, column.width, column.right);
      const own = service === undefined || style.inverse === true ? {} : (column.style?.(service) ?? {});
      screen.put(x, y, style.inverse === true ? `${shown}  ` : shown, { ...style, ...own });
      x += column.width + 2;
    }
  }

  #entries(): readonly Entry[] {
    return this.#entriesOf.select(this.#filter, this.#state, this.#sort);
  }

  #mark(entry: Entry): void {
    const id = idOf(entry);
    if (!this.#marked.delete(id)) this.#marked.add(id);
  }

  /** The marked services; without any, the selected one. */
  #chosen(): readonly Entry[] {
    const entries = this.#entries();
    const marked = entries.filter((entry) => this.#marked.has(idOf(entry)));
    return marked.length > 0 ? marked : entries.slice(this.#scroll.selected, this.#scroll.selected + 1);
  }

  #confirm(order: Order, chosen: readonly Entry[]): void {
    const actions = [...new Set(chosen.map(({ host }) => host))].map((host): Action => {
      const names = chosen.filter((entry) => entry.host === host).map(({ service }) => service.name);
      return { order, host, names };
    });
    confirmActions(this.#app, actions);
  }
}

function next<Value>(values: readonly Value[], value: Value): Value {
  return values[(values.indexOf(value) + 1) % values.length] ?? value;
}
