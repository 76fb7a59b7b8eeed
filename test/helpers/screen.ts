import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { waitFor } from './wait-for.js';

const RELAY = fileURLToPath(new URL('terminal-relay.py', import.meta.url));
const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));

/** The bytes that a terminal sends for keys that write nothing. */
export const KEYS = {
  enter: '\r',
  escape: '\x1b',
  up: '\x1bOA',
  down: '\x1bOB',
  pageUp: '\x1b[5~',
  end: '\x1bOF',
} as const;

/** A program on a real pseudo-terminal. A model of a terminal turns its output into text. */
export class ScreenProgram {
  readonly terminal: xterm.Terminal;
  /** All bytes that the program wrote. */
  written = '';
  /** The exit code, 128 + N for a signal. */
  readonly exit: Promise<number>;
  readonly #process: ChildProcess;
  #errors = '';

  constructor(rows: number, columns: number, command: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.terminal = new xterm.Terminal({ rows, cols: columns, allowProposedApi: true });
    this.#process = spawn('python3', [RELAY, String(rows), String(columns), ...command], {
      env: { PATH: process.env.PATH, HOME: '/root', TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#process.stdout?.on('data', (chunk: Buffer) => {
      this.written += chunk.toString('latin1');
      this.terminal.write(chunk);
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.exit = new Promise((resolve) => this.#process.once('close', (code) => resolve(code ?? 255)));
  }

  /** svctl with these arguments. */
  static svctl(
    socket: string,
    args: readonly string[],
    {
      rows = 24,
      columns = 80,
      env = {},
    }: { rows?: number; columns?: number; env?: Readonly<Record<string, string>> } = {},
  ): ScreenProgram {
    return new ScreenProgram(rows, columns, [SVCTL, '--socket', socket, ...args], env);
  }

  /** The text on the screen, without the blanks at the ends of lines. */
  get text(): string {
    const { active } = this.terminal.buffer;
    const lines = Array.from({ length: this.terminal.rows }, (_, row) =>
      active
        .getLine(active.viewportY + row)
        ?.translateToString(true)
        .trimEnd(),
    );
    return lines.join('\n');
  }

  /** The pid of the program. */
  get pid(): number {
    return Number(this.#errors.split('\n')[0]);
  }

  /** The settings of the terminal before the program and after it, as stty shows them. */
  get settings(): readonly string[] {
    return this.#errors.trim().split('\n').slice(-2);
  }

  keys(...keys: readonly string[]): void {
    for (const key of keys) this.#process.stdin?.write(key);
  }

  resize(rows: number, columns: number): void {
    this.terminal.resize(columns, rows);
    (this.#process.stdio[3] as Writable).write(`${rows} ${columns}\n`);
  }

  /** Waits until the screen shows a text. */
  async shows(what: string | RegExp): Promise<string> {
    const shown = () => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text));
    await waitFor(`the screen to show ${what}`, shown).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.text}\n${this.#errors}`);
    });
    return this.text;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
