import { closeSync, openSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Capture } from '../../../src/logs/capture/capture.js';
import { Intake } from '../../../src/logs/capture/intake.js';
import { MAX_CONTENT_BYTES, parseRecord } from '../../../src/logs/store/cri.js';
import { MemoryStore } from '../../../src/logs/store/store.js';
import { native } from '../../../src/process/native.js';
import { waitFor } from '../../helpers/wait-for.js';

const STORE_BYTES = 8 << 20;

let pipe: readonly [read: number, write: number];
let storeFd: number;
let intakeFd: number;

beforeEach(() => {
  pipe = native().pipe(false);
  storeFd = native().memfd('store');
  intakeFd = native().memfd('intake');
});
afterEach(() => {
  for (const fd of [pipe[0], pipe[1], storeFd, intakeFd]) closeSync(fd);
});

class Killed extends Error {}

/** A store whose controller is killed before or after one of its appends. */
class FatalStore extends MemoryStore {
  appends = 0;

  constructor(
    private readonly fatal: number,
    private readonly when: 'before' | 'after',
  ) {
    super(storeFd, STORE_BYTES);
  }

  override append(...record: Parameters<MemoryStore['append']>): void {
    const isFatal = ++this.appends === this.fatal;
    if (isFatal && this.when === 'before') throw new Killed();
    super.append(...record);
    if (isFatal) throw new Killed();
  }
}

/** A controller's capture of the pipe, with its own descriptors, as after an exec. */
function capture(store: MemoryStore): Capture {
  const fd = openSync(`/proc/self/fd/${pipe[0]}`, 'r');
  return new Capture({
    stream: 'stdout',
    fd,
    store,
    intake: new Intake(intakeFd),
    row: 3,
    stored: () => {},
    dropped: () => 0,
  });
}

/** Reads the pipe. Returns whether the controller was killed. */
function isKilled(store: MemoryStore): boolean {
  let dead: Capture | undefined;
  try {
    dead = capture(store);
    dead.drain(() => {});
    dead.close();
    return false;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    dead?.pause();
    return true;
  }
}

/** The held lines, as `F text`. */
function lines(): string[] {
  const store = new MemoryStore(storeFd, STORE_BYTES);
  const buffer = Buffer.alloc(STORE_BYTES);
  const found: string[] = [];
  const length = store.read(store.oldest.offset, buffer);
  for (let start = 0; start < length; ) {
    const end = buffer.indexOf(10, start);
    const { partial, content } = parseRecord(buffer, start, end);
    found.push(`${partial ? 'P' : 'F'} ${content.toString('latin1')}`);
    start = end + 1;
  }
  expect(store.newest.record).toBe(found.length);
  return found;
}

const long = 'x'.repeat(MAX_CONTENT_BYTES + 100);
const words = Array.from({ length: 9_000 }, (_, index) => `line ${index}`);
const said = [...words, long, 'after it', ...words, 'the end'];
const stored = said.flatMap((line) =>
  line === long ? [`P ${'x'.repeat(MAX_CONTENT_BYTES)}`, `F ${'x'.repeat(100)}`] : [`F ${line}`],
);

describe('a controller that is killed', () => {
  test.each(['before', 'after'] as const)(
    '%s any of its appends has lost nothing, and the next one stores nothing twice',
    (when) => {
      for (let fatal = 1, killed = true; killed; fatal++) {
        storeFd = native().memfd('store');
        intakeFd = native().memfd('intake');
        writeSync(pipe[1], `${said.join('\n')}\n`);
        killed = isKilled(new FatalStore(fatal, when));
        if (!killed) expect(fatal).toBeGreaterThan(10);
        // The next controller may be killed too, while it recovers.
        if (isKilled(new FatalStore(2, when))) expect(isKilled(new MemoryStore(storeFd, STORE_BYTES))).toBe(false);
        expect(lines()).toEqual(stored);
      }
    },
  );

  test('in the middle of a line has lost nothing of it', () => {
    writeSync(pipe[1], 'whole\nha');
    expect(isKilled(new FatalStore(1, 'after'))).toBe(true);
    writeSync(pipe[1], 'lf\n');
    expect(isKilled(new MemoryStore(storeFd, STORE_BYTES))).toBe(false);
    expect(lines()).toEqual(['F whole', 'F half']);
  });

  test('after storing a piece of an unfinished line does not have it stored again', async () => {
    const first = capture(new MemoryStore(storeFd, STORE_BYTES));
    writeSync(pipe[1], 'name: ');
    await waitFor('the piece', () => lines().length === 1);
    first.pause();
    writeSync(pipe[1], 'me\n');
    expect(isKilled(new MemoryStore(storeFd, STORE_BYTES))).toBe(false);
    expect(lines()).toEqual(['P name: ', 'F me']);
  });

  test('while it makes the writer wait has not lost what it had read', async () => {
    const store = new MemoryStore(storeFd, STORE_BYTES);
    const fd = openSync(`/proc/self/fd/${pipe[0]}`, 'r');
    const first: Capture = new Capture({
      stream: 'stdout',
      fd,
      store,
      intake: new Intake(intakeFd),
      row: 3,
      stored: () => first.pause(),
      dropped: () => 0,
    });
    writeSync(pipe[1], `${said.join('\n')}\n`);
    await waitFor('the first lines', () => lines().length > 0);
    expect(lines().length).toBeLessThan(2_000);
    expect(isKilled(new MemoryStore(storeFd, STORE_BYTES))).toBe(false);
    expect(lines()).toEqual(stored);
  });
});
