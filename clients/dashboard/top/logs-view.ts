import { printable } from '../../../src/text/printable.js';
import type { Host } from '../model/host.js';
import { type LogQuery, LogTail } from '../model/log-tail.js';
import type { App } from './app.js';
import { drawRow, type RowStyle, wordsOf } from './log-rows.js';
import { showInProgram } from './program.js';
import { TextPrompt } from './prompt.js';
import type { Screen } from './screen.js';
import type { Area, KeyHelp, View } from './view.js';

/** Held for scrolling back: 25 MB where each line has 100 bytes. */
const HELD = 100_000;
const FIRST_LINES = 1_000;

/**
 * The log of one, several or all services. The view follows the log even while a person scrolls
 * back.
 */
export class LogsView implements View {
  readonly keys: readonly KeyHelp[] = [
    ['/', 'search'],
    ['n N', 'next, previous match'],
    ['&', 'filter'],
    ['p', 'previous run'],
    ['T', 'times'],
    ['e', 'errors only'],
    ['v', '$PAGER'],
    ['E', '$EDITOR'],
    ['End', 'follow'],
    ['← →', 'sideways'],
    ['c', 'clear'],
  ];
  readonly #app: App;
  readonly #from: LogQuery['from'];
  readonly #names: string;
  #tail: LogTail;
  #run: 'previous' | undefined;
  #grep = '';
  #stream: 'stderr' | undefined;
  #search: RegExp | undefined;
  #times = false;
  #left = 0;
  /**
   * The number of the entry at the foot, while a person reads back; undefined while the view
   * follows.
   */
  #foot: number | undefined;
  #page = 10;
  #hidden = 0;

  static of(
    app: App,
    entries: readonly { readonly host: Host; readonly service: { readonly name: string } }[],
  ): LogsView {
    const hosts = [...new Set(entries.map(({ host }) => host))];
    const from = hosts.map((host) => ({
      host,
      names: entries.filter((entry) => entry.host === host).map(({ service }) => service.name),
    }));
    return new LogsView(app, from);
  }

  static ofAll(app: App, hosts: readonly Host[]): LogsView {
    return new LogsView(
      app,
      hosts.map((host) => ({ host, names: [] })),
    );
  }

  constructor(app: App, from: LogQuery['from'], run?: 'previous') {
    this.#app = app;
    this.#from = from;
    this.#run = run;
    const names = from.flatMap((part) => part.names);
    this.#names = names.length === 0 ? 'all' : names.length > 3 ? `${names.length} services` : names.join(', ');
    this.#tail = this.#read();
  }

  get title(): string {
    const back =
      this.#foot === undefined ? '' : this.#run === undefined ? `${this.#end - 1 - this.#foot} newer lines` : '';
    const parts = [
      `logs of ${this.#names}`,
      this.#run === 'previous' ? 'previous run' : '',
      this.#grep === '' ? '' : `filter ${this.#grep}`,
      this.#search === undefined ? '' : `search ${this.#search.source}`,
      this.#stream === undefined ? '' : 'stderr only',
      back,
    ];
    return parts.filter(Boolean).join(', ');
  }

  draw(screen: Screen, { top, height }: Area): void {
    this.#page = Math.max(1, height - 1);
    const { entries, first, problem } = this.#tail;
    const end = this.#bottom();
    const from = Math.max(first + this.#hidden, end - height + 1);
    if (entries.length - this.#hidden <= 0) screen.put(0, top, problem === '' ? 'no lines' : '', { faint: true });
    for (let number = from; number <= end; number += 1) {
      const entry = entries[number - first];
      if (entry !== undefined) drawRow(screen, top + number - from, entry, this.#how);
    }
    if (problem !== '') screen.put(0, top + height - 1, printable(problem), { color: 'red', inverse: true });
  }

  key(key: string): boolean {
    switch (key) {
      case 'UP':
      case 'k':
        return this.#move(-1);
      case 'DOWN':
      case 'j':
        return this.#move(1);
      case 'PAGE_UP':
        return this.#move(-this.#page);
      case 'PAGE_DOWN':
      case ' ':
        return this.#move(this.#page);
      case 'HOME':
      case 'g':
        return this.#move(-this.#end);
      case 'END':
      case 'G':
      case 'F':
        this.#foot = undefined;
        return true;
      case 'LEFT':
        this.#left = Math.max(0, this.#left - 20);
        return true;
      case 'RIGHT':
        this.#left += 20;
        return true;
      case '/':
        this.#app.ask(
          new TextPrompt('search (a regular expression)', this.#search?.source ?? '', (text) => this.#searchFor(text)),
        );
        return true;
      case 'n':
      case 'N':
        this.#nextMatch(key === 'n' ? -1 : 1);
        return true;
      case '&':
        this.#app.ask(
          new TextPrompt('only lines that match (a regular expression)', this.#grep, (text) =>
            this.#again({ grep: text }),
          ),
        );
        return true;
      case 'p':
        this.#again({ run: this.#run === undefined ? 'previous' : undefined });
        return true;
      case 'e':
        this.#again({ stream: this.#stream === undefined ? 'stderr' : undefined });
        return true;
      case 'T':
        this.#times = !this.#times;
        return true;
      case 'c':
        this.#hidden = this.#tail.entries.length;
        this.#foot = undefined;
        return true;
      case 'F5':
        this.#again({});
        return true;
      case 'v':
      case 'E':
        void showInProgram(this.#app, key === 'v' ? 'pager' : 'editor', this.#text());
        return true;
      default:
        return false;
    }
  }

  tickMs(): number {
    return Infinity;
  }

  close(): void {
    this.#tail.close();
  }

  get #how(): RowStyle {
    return {
      hosts: this.#from.length > 1,
      names: this.#names === 'all' || this.#from.flatMap(({ names }) => names).length > 1,
      times: this.#times,
      left: this.#left,
      search: this.#search,
    };
  }

  /** The number after the last entry. */
  get #end(): number {
    return this.#tail.first + this.#tail.entries.length;
  }

  /**
   * The number of the entry at the foot. Entries dropped meanwhile are gone from the view as well.
   */
  #bottom(): number {
    const last = this.#end - 1;
    return this.#foot === undefined ? last : Math.min(last, Math.max(this.#foot, this.#tail.first + this.#page));
  }

  #move(by: number): boolean {
    const last = this.#end - 1;
    const foot = Math.max(Math.min(last, this.#tail.first + this.#page), this.#bottom() + by);
    this.#foot = foot >= last ? undefined : foot;
    return true;
  }

  #read(): LogTail {
    // The last lines are counted before they are filtered.
    const isWhole = this.#run !== undefined || this.#stream !== undefined || this.#grep !== '';
    const options = {
      run: this.#run,
      stream: this.#stream,
      grep: this.#grep === '' ? undefined : this.#grep,
      tail: isWhole ? undefined : FIRST_LINES,
    };
    return new LogTail({ from: this.#from, options }, () => this.#app.changed(), HELD);
  }

  #again(change: {
    readonly grep?: string;
    readonly run?: 'previous' | undefined;
    readonly stream?: 'stderr' | undefined;
  }): void {
    this.#tail.close();
    if ('grep' in change) this.#grep = change.grep ?? '';
    if ('run' in change) this.#run = change.run;
    if ('stream' in change) this.#stream = change.stream;
    this.#foot = undefined;
    this.#hidden = 0;
    this.#tail = this.#read();
  }

  #searchFor(text: string): void {
    try {
      this.#search = text === '' ? undefined : new RegExp(text, /[A-Z]/.test(text) ? '' : 'i');
    } catch {
      this.#app.note(`invalid regular expression: ${text}`);
      return;
    }
    if (this.#search !== undefined) this.#nextMatch(-1, true);
  }

  #nextMatch(step: 1 | -1, here = false): void {
    const { entries, first } = this.#tail;
    const search = this.#search;
    if (search === undefined) {
      this.#app.note('nothing to search for yet: press /');
      return;
    }
    const start = this.#bottom() - first + (here ? 0 : step);
    for (let index = start; index >= 0 && index < entries.length; index += step) {
      const entry = entries[index];
      if (entry?.kind === 'line' && search.test(entry.text)) {
        this.#foot = first + index;
        return;
      }
    }
    this.#app.note(
      `no ${step < 0 ? 'earlier' : 'later'} line matches ${search.source}; & filters all that the server holds`,
    );
  }

  /** All that is held, for another program: made printable, with times. */
  #text(): string {
    const lines = this.#tail.entries.slice(this.#hidden).map((entry) => {
      const { text } = wordsOf(entry, this.#how);
      return entry.kind === 'line' ? `${new Date(entry.atMs).toISOString()} ${entry.service} ${text}` : text;
    });
    return `${lines.join('\n')}\n`;
  }
}
