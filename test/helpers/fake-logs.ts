/** Log sources over real stores in temporary files, for what reads them. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stream } from '../../src/logs/store/cri.js';
import { MemoryStore } from '../../src/logs/store/store.js';
import type { LogSource, LogSources, Marker } from '../../src/types/logs.js';
import type { ExitStatus } from '../../src/types/service.js';

export interface Written {
  readonly stream?: Stream;
  readonly partial?: boolean;
  /**
   * Wall-clock milliseconds; by default a millisecond after the line before, whatever its source.
   */
  readonly atMs?: number;
}

/** The first time that a source of the fakes writes something. */
export const FIRST_MS = Date.UTC(2026, 10, 23, 3, 22, 11);

export class FakeSource implements LogSource {
  readonly store: MemoryStore;
  markers: readonly Marker[] = [];
  dropped = { lines: 0, bytes: 0 };
  waiting = 0;
  readonly #listeners = new Set<() => void>();
  readonly #clock: () => number;

  constructor(
    readonly name: string,
    readonly id: number,
    fd: number,
    totalBytes: number,
    clock: () => number,
  ) {
    this.store = new MemoryStore(fd, totalBytes);
    this.#clock = clock;
  }

  get subscribers(): number {
    return this.#listeners.size;
  }

  line(text: string | Buffer, { stream = 'stdout', partial = false, atMs = this.#clock() }: Written = {}): void {
    const head = Buffer.from(`${timeText(atMs)} ${stream} ${partial ? 'P' : 'F'} `, 'latin1');
    const record = Buffer.concat([head, Buffer.from(text as string), Buffer.from('\n')]);
    this.store.append(record, record.length, 1, stream);
    this.tell();
  }

  /** Many lines in one append, with one time. */
  lines(texts: readonly string[], stream: Stream = 'stdout'): void {
    const head = `${timeText(this.#clock())} ${stream} F `;
    const records = Buffer.from(texts.map((text) => `${head}${text}\n`).join(''));
    this.store.append(records, records.length, texts.length, stream);
    this.tell();
  }

  mark(kind: Marker['kind'], run: number, status?: ExitStatus): void {
    const marker = {
      kind,
      position: this.store.newest,
      time: timeText(this.#clock()),
      run,
      runId: `${this.name}-${run}`,
    };
    this.markers = [...this.markers, { ...marker, ...(status !== undefined && { status }) }];
    this.tell();
  }

  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Sources that are made when they are first used. */
export class FakeLogs implements LogSources {
  readonly #directory = mkdtempSync(join(tmpdir(), 'logs-'));
  readonly #sources = new Map<string, FakeSource>();
  readonly #listeners = new Set<() => void>();
  readonly #fds: number[] = [];
  #now = FIRST_MS;

  constructor(
    readonly bootId = 'fake-boot',
    private readonly totalBytes = 256 * 1024,
  ) {}

  list(): readonly FakeSource[] {
    return [...this.#sources.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): FakeSource | undefined {
    return this.#sources.get(name);
  }

  /** The source of this name, made when there is none. */
  of(name: string): FakeSource {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const fd = openSync(join(this.#directory, String(this.#fds.length)), 'w+');
    this.#fds.push(fd);
    const source = new FakeSource(name, this.#fds.length, fd, this.totalBytes, () => this.#now++);
    this.#sources.set(name, source);
    this.#tell();
    return source;
  }

  remove(name: string): void {
    this.#sources.delete(name);
    this.#tell();
  }

  /** The number of followers. */
  get subscribers(): number {
    return this.#listeners.size;
  }

  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  close(): void {
    for (const fd of this.#fds) closeSync(fd);
    rmSync(this.#directory, { recursive: true, maxRetries: 20 });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const timeText = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 23)}000000Z`;
