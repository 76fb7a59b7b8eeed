import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { printable, printableJson } from '../../src/text/printable.js';
import {
  Exit,
  type LogGap,
  type LogLine,
  type LogMarker,
  LogMarkerKind,
  LogStream,
  type ReadResponse,
  selectorOf,
} from '../typescript/src/index.js';
import type { Context } from './context.js';
import { markerWords } from './phrases.js';
import { NAME_STYLES, type Style } from './text/paint.js';

const NEWLINE = Buffer.from('\n');

/** Prints the answers of a log call in the form that was asked for. */
export class LogPrinter {
  readonly #context: Context;
  readonly #json: boolean;
  readonly #raw = process.stdout.isTTY !== true;
  /** Lines of several services may come: each names its service. */
  readonly #named: boolean;
  readonly #styles = new Map<string, Style>();
  #width = 0;
  /** The service and stream of the piece that was printed last, whose line goes on. */
  #open = '';
  #chunks: Buffer[] = [];

  /** `hostWidth`: how wide the column of the hosts is, when there are several. */
  constructor(
    context: Context,
    readonly hostWidth = 0,
  ) {
    this.#context = context;
    this.#json = context.format === 'json' || context.format === 'jsonl';
    const { names, globs } = selectorOf(context.operands);
    this.#named = names.length !== 1 || globs.length > 0;
  }

  /**
   * Resolves when standard output has room for more. Until then the lines stay in my_init, not
   * here.
   */
  async take(response: ReadResponse): Promise<void> {
    this.add(response);
    await this.flushed();
  }

  /** Adds a line for the next {@link flushed}; of several hosts, with the name of its host. */
  add({ event }: ReadResponse, host = ''): void {
    switch (event?.$case) {
      case 'lines':
        for (const line of event.value.lines) this.#line(line, host);
        break;
      case 'gap':
        this.#gap(event.value, host);
        break;
      case 'marker':
        this.#marker(event.value, host);
        break;
      case 'caughtUp':
      case 'heartbeat':
      case undefined:
        break;
      default:
        event satisfies never;
    }
  }

  async flushed(): Promise<void> {
    if (!this.#flush()) await once(process.stdout, 'drain');
  }

  /** Ends the line that was left open. */
  end(): void {
    this.#close();
    this.#flush();
  }

  #line(line: LogLine, host: string): void {
    if (this.#json) {
      this.#object(lineJson(line), host);
      return;
    }
    const key = `${line.stream} ${line.service} ${host}`;
    if (this.#open !== key) {
      this.#close();
      const prefix = this.#host(host) + this.#prefix(line);
      if (prefix !== '') this.#chunks.push(Buffer.from(prefix));
    }
    this.#chunks.push(this.#text(line));
    this.#open = key;
    if (!line.partial) this.#close();
  }

  #close(): void {
    if (this.#open !== '') this.#chunks.push(NEWLINE);
    this.#open = '';
  }

  #text({ text, stream }: LogLine): Buffer {
    if (this.#raw) return text;
    // A tab does no harm.
    const shown = text.toString().split('\t').map(printable).join('\t');
    return Buffer.from(stream === LogStream.LOG_STREAM_STDERR ? this.#context.paint('stderr', shown) : shown);
  }

  #prefix({ service, time }: LogLine): string {
    const at = this.#context.has('timestamps') ? `${this.#context.paint('faint', iso(time))} ` : '';
    return this.#named ? `${at}${this.#name(service)} | ` : at;
  }

  #host(host: string): string {
    return this.hostWidth === 0 ? '' : `${printable(host).padEnd(this.hostWidth)}  `;
  }

  #name(service: string): string {
    const name = printable(service);
    this.#width = Math.max(this.#width, name.length);
    let style = this.#styles.get(service);
    if (style === undefined) {
      style = NAME_STYLES[this.#styles.size % NAME_STYLES.length] ?? 'faint';
      this.#styles.set(service, style);
    }
    return this.#context.paint(style, name.padEnd(this.#width));
  }

  #gap(gap: LogGap, host: string): void {
    const [lines, bytes] = [Number(gap.lines), Number(gap.bytes)];
    if (this.#json) {
      this.#object({ service: gap.service, gap: { lines, bytes } }, host);
      return;
    }
    this.end();
    const words = `${lines} ${lines === 1 ? 'line' : 'lines'} of ${gap.service} (${bytes} bytes) lost before they could be read`;
    this.#context.faintNote(host === '' ? words : `${host}: ${words}`);
  }

  #marker(marker: LogMarker, host: string): void {
    if (this.#json) {
      this.#object(markerJson(marker), host);
      return;
    }
    if (!this.#context.has('markers')) return;
    this.#close();
    const at = this.#context.has('timestamps') ? `${iso(marker.time)} ` : '';
    const words = `${at}-- ${printable(marker.service)}: ${markerWords(marker)} --`;
    this.#chunks.push(Buffer.from(`${this.#host(host)}${this.#context.paint('faint', words)}\n`));
  }

  #object(value: object, host: string): void {
    this.#chunks.push(Buffer.from(`${printableJson(host === '' ? value : { host, ...value })}\n`));
  }

  #flush(): boolean {
    if (this.#chunks.length === 0) return true;
    const text = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return process.stdout.write(text);
  }
}

/** The text as a string, as it nearly always is; bytes that are no text are given beside it. */
function lineJson({ service, stream, time, text, partial }: LogLine): object {
  return {
    service,
    stream: stream === LogStream.LOG_STREAM_STDERR ? 'stderr' : 'stdout',
    time: iso(time),
    text: text.toString(),
    ...(!isUtf8(text) && { bytes: text.toString('base64') }),
    ...(partial && { partial }),
  };
}

function markerJson({ service, kind, time, run, runId, exit }: LogMarker): object {
  const marker = LogMarkerKind[kind]?.replace('LOG_MARKER_KIND_', '').toLowerCase();
  return { service, marker, time: iso(time), run, runId, ...(exit !== undefined && { exit: Exit.toJSON(exit) }) };
}

const iso = (time: Date | undefined): string => (time ?? new Date(0)).toISOString();
