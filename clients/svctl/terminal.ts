import { printable, printableJson } from '../../src/text/printable.js';
import type { Format } from './options.js';
import { Problem, problemOf } from './problem.js';
import { type Paint, paintFor } from './text/paint.js';
import { type Table, tableText } from './text/table.js';

/** An answer in each of the formats of `-o`. */
export interface Answer {
  /** For `json`. */
  readonly json: unknown;
  /** For `jsonl`: one message in each line. */
  readonly items: readonly unknown[];
  /** For `name`. */
  readonly names: readonly string[];
  /** For `table` and `wide`: the text. */
  readonly table: () => string | Table | Promise<string | Table>;
}

/** The two outputs: data on standard output, the rest on standard error. */
export class Terminal {
  static #isFull = false;
  readonly paint: Paint;
  readonly #noColor: boolean;

  constructor(
    readonly format: Format,
    noColor: boolean,
  ) {
    this.#noColor = noColor;
    this.paint = paintFor(process.stdout, noColor);
  }

  /** The columns of the terminal on standard output; undefined where there is none. */
  get width(): number | undefined {
    return process.stdout.isTTY ? process.stdout.columns || undefined : undefined;
  }

  /** Colours are wanted and can be shown. */
  get colours(): boolean {
    return this.paint('good', '') !== '';
  }

  /** Prints an answer in the format that was asked for. */
  async show(answer: Answer): Promise<void> {
    switch (this.format) {
      case 'json':
        this.json(answer.json);
        break;
      case 'jsonl':
        for (const item of answer.items) this.json(item);
        break;
      case 'name':
        for (const name of answer.names) this.line(name);
        break;
      case 'table':
      case 'wide':
        this.#printTable(await answer.table());
        break;
      case 'svg':
        // The only command with a picture draws it itself.
        break;
      default:
        this.format satisfies never;
    }
  }

  printTable(table: Table): void {
    this.print(tableText(table, this));
  }

  /** Writes to standard output as it is: the text has been made printable. */
  print(text: string): void {
    process.stdout.write(text);
  }

  /** One line to standard output, made printable. */
  line(text: string): void {
    this.print(`${printable(text)}\n`);
  }

  /** A message as JSON, indented for `-o json` and on one line for `-o jsonl`. */
  json(value: unknown): void {
    this.print(`${printableJson(value, this.format === 'json' ? 2 : 0)}\n`);
  }

  /** One line to standard error, made printable. */
  note(text: string): void {
    this.tell(`svctl: ${printable(text)}\n`);
  }

  /** The same in faint letters: beside the data. */
  faintNote(text: string): void {
    this.#faint(`svctl: ${text}`);
  }

  /** A line under the note before it. */
  remark(text: string): void {
    this.#faint(`       ${text}`);
  }

  /** Prints the problem and its remedy on standard error. */
  complain({ message, hint }: Problem, subject = ''): void {
    this.note(subject === '' ? message : `${subject}: ${message}`);
    if (hint !== '') this.tell(`       ${printable(hint)}\n`);
  }

  /** Prints the problem of one of several hosts: one line, without a remedy. */
  complainOf(error: unknown, host: string): void {
    const problem = problemOf(error);
    if (!(problem instanceof Problem)) throw error;
    this.note(problem.message.includes(host) ? problem.message : `${host}: ${problem.message}`);
  }

  /** A view takes the whole terminal, or gives it back: notes would be drawn across it. */
  static fillScreen(isFull: boolean): void {
    Terminal.#isFull = isFull;
  }

  /** Writes to standard error as it is. */
  tell(text: string): void {
    if (!Terminal.#isFull) process.stderr.write(text);
  }

  #printTable(table: string | Table): void {
    if (typeof table === 'string') this.print(table);
    else this.printTable(table);
  }

  #faint(text: string): void {
    const paint = paintFor(process.stderr, this.#noColor);
    this.tell(`${paint('faint', printable(text))}\n`);
  }
}
