import { printable } from '../../../src/text/printable.js';
import { wrap } from '../../svctl/text/fit.js';
import type { Host } from '../model/host.js';
import { fitted } from './cells.js';
import { guardTerminal } from './guard.js';
import { drawHelp } from './help.js';
import type { Prompt } from './prompt.js';
import { Screen, type Style } from './screen.js';
import type { View } from './view.js';

/** 60 frames a second at most, however much comes in. */
const FRAME_MS = 1000 / 60;
const NOTE_MS = 8_000;
/** Of so many lost hosts the reason is shown. */
const LOST = 3;

/**
 * `svctl top` on a terminal: a stack of views, of which the last one is seen, below one head and
 * above one foot.
 */
export class App {
  readonly screen: Screen;
  readonly #hosts: readonly Host[];
  readonly #views: View[] = [];
  #prompt: Prompt | undefined;
  #help = false;
  #notes: readonly string[] = [];
  #noteUntilMs = 0;
  #frame: NodeJS.Timeout | undefined;
  #tick: NodeJS.Timeout | undefined;
  #lastFrameMs = 0;
  #ended: (signal?: NodeJS.Signals) => void = () => undefined;
  /** Another program has the terminal. */
  #isLent = false;

  constructor(hosts: readonly Host[], colours: boolean) {
    this.#hosts = hosts;
    this.screen = new Screen(colours);
  }

  /**
   * Shows views until a person leaves the last one, or until a signal ends the process; returns
   * that signal.
   */
  async run(first: View): Promise<NodeJS.Signals | undefined> {
    this.#views.push(first);
    const release = guardTerminal();
    const ended = new Promise<NodeJS.Signals | undefined>((resolve) => {
      this.#ended = resolve;
    });
    const end = (signal: NodeJS.Signals): void => {
      // Keys of the program that has the terminal are not for us.
      if (!this.#isLent || !OF_KEYS.includes(signal)) this.#ended(signal);
    };
    for (const signal of ENDING) process.on(signal, end);
    // A terminal that is gone reads and writes nothing any more.
    process.stdin.once('end', () => this.#ended());
    try {
      this.screen.open(
        (key) => this.#key(key),
        () => this.changed(),
      );
      this.changed();
      return await ended;
    } finally {
      clearTimeout(this.#frame);
      clearTimeout(this.#tick);
      for (const view of this.#views.splice(0)) view.close();
      this.screen.leave();
      release();
      for (const signal of ENDING) process.off(signal, end);
    }
  }

  /** Something that is shown has changed: the next frame draws it. */
  changed(): void {
    if (this.#frame !== undefined) return;
    const waitMs = Math.max(0, this.#lastFrameMs + FRAME_MS - performance.now());
    this.#frame = setTimeout(() => this.#draw(), waitMs);
  }

  open(view: View): void {
    this.#views.push(view);
    this.changed();
  }

  back(): void {
    this.#views.pop()?.close();
    if (this.#views.length === 0) this.#ended();
    this.changed();
  }

  ask(prompt: Prompt): void {
    this.#prompt = prompt;
    this.changed();
  }

  /** Shows lines above the foot for a while. */
  note(...lines: readonly string[]): void {
    this.#notes = lines;
    this.#noteUntilMs = Date.now() + NOTE_MS;
    this.changed();
  }

  /** Lends the terminal to another program. */
  async lend(program: () => Promise<void>): Promise<void> {
    this.screen.leave();
    this.#isLent = true;
    try {
      await program();
    } finally {
      this.#isLent = false;
      if (this.#views.length > 0) this.screen.resume();
      this.changed();
    }
  }

  #key(key: string): void {
    if (key === 'CTRL_C') {
      this.#ended();
      return;
    }
    if (key === 'CTRL_L') this.screen.resume();
    const view = this.#views.at(-1);
    const prompt = this.#prompt;
    if (prompt !== undefined) {
      // An answer may ask the next question.
      if (prompt.key(key) && this.#prompt === prompt) this.#prompt = undefined;
    } else if (this.#help) this.#help = false;
    else if (key === '?') this.#help = true;
    else if (view?.key(key) !== true && (key === 'q' || key === 'ESCAPE')) {
      if (key === 'q' || this.#views.length > 1) this.back();
    }
    this.changed();
  }

  #draw(): void {
    this.#frame = undefined;
    this.#lastFrameMs = performance.now();
    const { screen } = this;
    const view = this.#views.at(-1);
    if (view === undefined) return;
    screen.clear();
    const bottom = this.#foot(view);
    this.#head(view);
    if (this.#help) drawHelp(screen, view, { top: 1, height: bottom - 1 });
    else view.draw(screen, { top: 1, height: Math.max(0, bottom - 1) });
    screen.flush();
    clearTimeout(this.#tick);
    const noteMs = this.#notes.length === 0 ? Infinity : this.#noteUntilMs - Date.now();
    const waitMs = Math.min(view.tickMs(), Math.max(50, noteMs + 50));
    if (Number.isFinite(waitMs)) this.#tick = setTimeout(() => this.changed(), waitMs);
  }

  #head(view: View): void {
    const { screen } = this;
    const [host, ...others] = this.#hosts;
    const where = others.length === 0 ? (host?.name ?? '') : `${this.#hosts.length} hosts`;
    const title = printable(`svctl top  ${view.title}`);
    const link = linkWords(this.#hosts);
    const width = Math.max(0, screen.width - link.length - (link === '' ? 0 : 2));
    screen.put(0, 0, fitted(title, Math.min(title.length, width)), { bold: true });
    screen.put(title.length + 2, 0, fitted(printable(where), width - title.length - 2), { faint: true });
    screen.put(screen.width - link.length, 0, link, { color: 'red', bold: true, inverse: true });
  }

  /** Draws reasons, notes, prompt and keys from the bottom; returns the first line of them. */
  #foot(view: View): number {
    const { screen } = this;
    if (Date.now() > this.#noteUntilMs) this.#notes = [];
    const lines: (readonly [text: string, style: Style])[] = [
      ...lostWords(this.#hosts, Math.max(20, screen.width)).map((line) => [line, { color: 'red' }] as const),
      ...this.#notes.map((line) => [line, {}] as const),
      ...(this.#prompt?.lines() ?? []).map((line) => [line, { bold: true }] as const),
    ];
    lines.splice(0, lines.length - Math.max(1, screen.height - 4));
    const keys = this.#prompt?.keys ?? [...view.keys, ['?', 'help'] as const, ['q', 'quit'] as const];
    let x = 0;
    for (const [key, does] of footKeys(keys, screen.width)) {
      screen.put(x, screen.height - 1, key, { inverse: true });
      screen.put(x + key.length + 1, screen.height - 1, does);
      x += key.length + does.length + 3;
    }
    const first = screen.height - 1 - lines.length;
    for (const [index, [line, style]] of lines.entries()) screen.put(0, first + index, printable(line), style);
    return first;
  }
}

const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'];
/** Signals that a terminal sends to all programs in front. */
const OF_KEYS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** For the head: the hosts that are not current. */
function linkWords(hosts: readonly Host[]): string {
  const lost = hosts.filter(({ link }) => link.kind === 'lost').length;
  if (lost > 0) return hosts.length === 1 ? ' connection lost ' : ` ${lost} of ${hosts.length} hosts lost `;
  return hosts.some(({ link }) => link.kind === 'connecting') ? ' connecting … ' : '';
}

/** Why hosts are lost, of the first of them. */
function lostWords(hosts: readonly Host[], width: number): readonly string[] {
  const reasons = hosts.flatMap(({ name, link }) => {
    if (link.kind !== 'lost') return [];
    return [link.problem.includes(name) ? link.problem : `${name}: ${link.problem}`];
  });
  const more = reasons.length > LOST ? [`and ${reasons.length - LOST} more`] : [];
  return [...reasons.slice(0, LOST), ...more].flatMap((reason) => wrap(printable(reason), width));
}

/** As many of the first keys as fit, and always the last two: help and the way out. */
function footKeys(keys: View['keys'], width: number): View['keys'] {
  const size = (key: View['keys'][number]): number => key[0].length + key[1].length + 3;
  const last = keys.slice(-2);
  let left = width - last.reduce((sum, key) => sum + size(key), 0);
  const shown = keys.slice(0, -2).filter((key) => {
    left -= size(key);
    return left >= 0;
  });
  return [...shown, ...last];
}
