import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_RECORD_BYTES, parseRecord } from '../../../src/logs/store/cri.js';
import { FileStore, type FileStoreRecord } from '../../../src/logs/store/file-store.js';
import { Spill } from '../../../src/logs/store/spill.js';
import { SpillingStore } from '../../../src/logs/store/spilling-store.js';
import { BEGINNING, type StreamPosition } from '../../../src/logs/store/store.js';
import { native } from '../../../src/process/native.js';

const TIME = '2026-11-23T03:22:11.123456789Z';
const SPILL_BYTES = 4 * MAX_RECORD_BYTES;

let disk: string;
let log: Log;
beforeEach(() => {
  disk = mkdtempSync('/tmp/my_init-disk-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk]);
  log = new Log();
});
afterEach(() => {
  log.store.close();
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

/** Uses all the room on the disk. */
function fill(): void {
  try {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(1 << 20));
  } catch {
    // The disk is full, as intended.
  }
}
const empty = (): void => rmSync(join(disk, 'ballast'), { force: true });

/** A log, its writer, and the parts of it that survive a controller. */
class Log {
  store: SpillingStore;
  said = 0;
  readonly dropped: number[] = [];
  refusals: (string | undefined)[] = [];
  #end: StreamPosition = BEGINNING;
  #files: FileStoreRecord | undefined;
  #memory: number | undefined;

  constructor() {
    this.store = this.#open();
  }

  say(lines: number, stream: 'stdout' | 'stderr' = 'stdout'): void {
    for (let line = 0; line < lines; line++) {
      const record = Buffer.from(`${TIME} ${stream} F ${String(this.said).padStart(120, '0')}\n`);
      this.store.append(record, record.length, 1, stream);
      this.said++;
    }
  }

  /**
   * The next controller takes over; `known`: the end of the files that the controller before noted.
   */
  die(known = this.#end): void {
    this.#end = known;
    // init holds a descriptor of its own.
    if (this.#memory !== undefined) this.#memory = openSync(`/proc/self/fd/${this.#memory}`, 'r+');
    this.store.close();
    this.store = this.#open();
  }

  get end(): StreamPosition {
    return this.#end;
  }

  get holdsMemory(): boolean {
    return this.#memory !== undefined;
  }

  #open(): SpillingStore {
    const files = new FileStore(
      join(disk, 'web.log'),
      { bytes: 1 << 20, files: 2 },
      this.#files && { ...this.#files, end: this.#end },
      {
        appended: (end) => {
          this.#end = end;
        },
        rotated: (record) => {
          this.#files = record;
        },
      },
    );
    return new SpillingStore(files, {
      held: this.#memory === undefined ? undefined : new Spill(this.#memory, SPILL_BYTES, BEGINNING),
      open: (begin) => {
        this.#memory = native().memfd('log');
        return new Spill(this.#memory, SPILL_BYTES, begin);
      },
      released: () => {
        this.#memory = undefined;
      },
      refused: (code) => void this.refusals.push(code),
      dropped: (_stream, lines) => void this.dropped.push(lines),
    });
  }

  get lost(): number {
    return this.dropped.reduce((sum, lines) => sum + lines, 0);
  }

  /** Everything that can be read, by number. */
  read(): readonly number[] {
    const { store } = this;
    const numbers: number[] = [];
    const buffer = Buffer.alloc(MAX_RECORD_BYTES);
    for (let offset = store.oldest.offset; ; ) {
      const length = store.read(offset, buffer);
      if (length === 0) return numbers;
      offset += length;
      numbers.push(...numbersIn(buffer.subarray(0, length)));
    }
  }

  inFile(): readonly number[] {
    return numbersIn(readFileSync(join(disk, 'web.log')));
  }
}

function numbersIn(records: Buffer): number[] {
  const numbers: number[] = [];
  for (let start = 0; start < records.length; ) {
    const end = records.indexOf(10, start);
    numbers.push(Number(parseRecord(records, start, end).content.toString()));
    start = end + 1;
  }
  return numbers;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('a log whose disk is full', () => {
  test('waits in memory, can be read there, and is written out in order when there is room', async () => {
    log.say(10);
    fill();
    log.say(300);
    log.say(10, 'stderr');
    expect(log.store.waiting).toBeGreaterThan(200);
    expect(log.read()).toEqual(upTo(320));
    await new Promise(setImmediate);
    expect(log.refusals).toEqual(['ENOSPC']);
    empty();
    log.store.flush();
    expect(log.store.waiting).toBe(0);
    expect(log.holdsMemory).toBe(false);
    log.say(10);
    expect(log.inFile()).toEqual(upTo(330));
    expect(log.read()).toEqual(upTo(330));
    expect(log.store.newest).toMatchObject({ record: 330, stderrRecord: 10 });
    expect(log.lost).toBe(0);
  });

  test('loses what does not fit, counts it to the line, and keeps a part for standard error', () => {
    fill();
    log.say(1_500);
    expect(log.lost).toBeGreaterThan(500);
    const lost = log.lost;
    log.say(10, 'stderr');
    expect(log.lost).toBe(lost);
    expect(log.read()).toHaveLength(1_510 - lost);
    expect(log.store.newest.record).toBe(1_510 - lost);
  });

  test('goes on under the next controller, whatever end of the files is noted', () => {
    log.say(10);
    const before = log.end;
    fill();
    log.say(300);
    log.die();
    expect(log.read()).toEqual(upTo(310));
    empty();
    log.store.flush();
    log.say(10);
    // Killed between a write to the file and the note of its end.
    log.die(before);
    expect(log.read()).toEqual(upTo(320));
    expect(log.inFile()).toEqual(upTo(320));
    expect(log.holdsMemory).toBe(false);
  });

  test('has each line once and in order, or counted as lost, in whatever order disks fill and controllers die', () => {
    const say = fc.record({
      lines: fc.integer({ min: 1, max: 500 }),
      stream: fc.constantFrom('stdout', 'stderr'),
    });
    const step = fc.oneof(say, fc.constantFrom('fill', 'empty', 'flush', 'die'));
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        log.store.close();
        empty();
        rmSync(join(disk, 'web.log'), { force: true });
        log = new Log();
        for (const next of steps) {
          if (typeof next === 'object') log.say(next.lines, next.stream as 'stdout');
          else if (next === 'fill') fill();
          else if (next === 'empty') empty();
          else if (next === 'flush') log.store.flush();
          else log.die();
        }
        const read = log.read();
        expect(read.every((number, index) => index === 0 || number > (read[index - 1] ?? 0))).toBe(true);
        expect(read.length + log.lost).toBe(log.said);
        expect(log.store.newest.record).toBe(read.length);
        expect(log.inFile()).toEqual(read.slice(0, log.end.record));
      }),
      { numRuns: 30 },
    );
  });
});
