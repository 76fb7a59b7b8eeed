import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, jest, test } from '@jest/globals';
import { Link, type LinkOptions } from '../../../clients/svctl/hosts/link.js';

/** Two ends of a link over two pipes, as a tool connects them. */
function pair(options: LinkOptions = {}) {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return { near: new Link(back, there, options), far: new Link(there, back, options), there, back };
}

/**
 * Reads by events: in Node 20, `for await` destroys a stream that it has read to the end, including
 * the other direction.
 */
const textOf = async (link: Link): Promise<string> => {
  const chunks: Buffer[] = [];
  link.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(link, 'end');
  return Buffer.concat(chunks).toString();
};

test('bytes arrive unchanged, however they are cut up', async () => {
  const { near, far, there } = pair();
  const bytes = Buffer.from('x'.repeat(100_000));
  const slices = new PassThrough();
  const receiver = new Link(slices, new PassThrough());
  there.on('data', (chunk: Buffer) => {
    for (const byte of chunk.subarray(0, 50)) slices.write(Buffer.of(byte));
    slices.write(chunk.subarray(50));
  });
  far.resume();
  near.write(bytes);
  near.write('end');
  near.end();
  expect(await textOf(receiver)).toBe(`${bytes}end`);
  far.destroy();
});

test('one direction ends, and the other goes on', async () => {
  const { near, far } = pair();
  near.end('question');
  expect(await textOf(far)).toBe('question');
  far.end('answer');
  expect(await textOf(near)).toBe('answer');
});

test('a pipe that ends without the last frame is a cut, whatever the tool says', async () => {
  const { near, there, far, back } = pair({ whyCut: async () => 'the link was cut (kubectl ended with 0)' });
  there.unpipe();
  near.resume();
  back.push(null);
  const [error] = (await once(near, 'error')) as [Error];
  expect(error.message).toBe('the link was cut (kubectl ended with 0)');
  far.on('error', () => undefined).destroy();
});

test('a destroyed end reports this to the other', async () => {
  const { near, far } = pair();
  near.destroy();
  expect(await textOf(far)).toBe('');
});

test('signs of life keep a silent link open; without them it is given up', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  try {
    const { near, far, back } = pair();
    near.resume();
    far.resume();
    await jest.advanceTimersByTimeAsync(600_000);
    expect([near.destroyed, far.destroyed]).toEqual([false, false]);
    // Nothing from the other end arrives any more.
    back.removeAllListeners('data');
    const failed = once(near, 'error');
    await jest.advanceTimersByTimeAsync(100_000);
    const [error] = (await failed) as [Error];
    expect(error.message).toBe('the other end gave no sign of life for 60 s');
    far.destroy();
  } finally {
    jest.useRealTimers();
  }
});

test('an end that does not send frames is given up', async () => {
  const input = new PassThrough();
  const link = new Link(input, new PassThrough());
  link.resume();
  input.write('HTTP/1.1 400 Bad Request\r\n');
  const [error] = (await once(link, 'error')) as [Error];
  expect(error.message).toBe('the other end of the link does not send frames');
});
