import type { Address } from '../../typescript/src/index.js';
import { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import type { CommandLine } from '../options.js';
import type { Problem } from '../problem.js';
import type { Table } from '../text/table.js';

/** One thing that a command prints. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly table: Table }
  | { readonly kind: 'json'; readonly value: unknown };

/** The answer of one of several hosts. */
export interface HostAnswer {
  readonly host: Host;
  readonly pieces: readonly Piece[];
  /** Lines for standard error. */
  readonly notes: readonly string[];
  readonly code: ExitCode;
  /** Why there is no answer, or no complete one. */
  readonly problem?: Problem;
}

export interface Host {
  /** As it is written on the command line. */
  readonly name: string;
  /** The name of the host beside other hosts: without the parts that all names have in common. */
  readonly label: string;
}

/** Takes what a command prints, for one host. */
export interface Sink {
  piece(piece: Piece): void;
  note(text: string): void;
}

/** A context whose output is shown together with the output of other hosts. */
export class HostContext extends Context {
  readonly #sink: Sink;

  constructor(
    readonly host: Host,
    address: Address,
    operands: readonly string[],
    given: CommandLine['given'],
    sink: Sink,
  ) {
    super(operands, given, address);
    this.#sink = sink;
  }

  /** No terminal of its own: the output is shown together with the output of other hosts. */
  override get width(): undefined {
    return undefined;
  }

  override print(text: string): void {
    this.#sink.piece({ kind: 'text', text });
  }

  override printTable(table: Table): void {
    this.#sink.piece({ kind: 'table', table });
  }

  override json(value: unknown): void {
    this.#sink.piece({ kind: 'json', value });
  }

  override tell(text: string): void {
    this.#sink.note(text);
  }
}
