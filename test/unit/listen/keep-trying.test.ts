import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Kept, keepTrying } from '../../../src/listen/keep-trying.js';
import { waitFor } from '../../helpers/wait-for.js';

let kept: Kept<string> | undefined;
let events: string[] = [];
afterEach(() => {
  kept?.stop();
  events = [];
});

/** `answers`: the result of each attempt; an Error is thrown. */
async function start(...answers: (string | Error | Promise<string>)[]): Promise<Kept<string>> {
  kept = await keepTrying<string>({
    open: () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('nothing is left');
      return answer;
    },
    onOpen: (opened, late) => events.push(`${opened} opened${late ? ' late' : ''}`),
    onFailure: (message) => events.push(message),
    close: (opened) => events.push(`${opened} closed`),
    retryMs: 1,
  });
  return kept;
}

describe('a listener that is retried', () => {
  test('is open at once if possible', async () => {
    expect((await start('door')).opened).toBe('door');
    expect(events).toEqual(['door opened']);
  });

  test('is opened later; each failure is reported once, and again when it has changed', async () => {
    const busy = new Error('busy');
    const door = await start(busy, busy, busy, new Error('full'), busy, 'door');
    expect(door.opened).toBeUndefined();
    await waitFor('the door to open', () => door.opened === 'door');
    expect(events).toEqual(['busy', 'full', 'busy', 'door opened late']);
  });

  test('is closed at the end', async () => {
    const door = await start('door');
    door.stop();
    expect(door.opened).toBeUndefined();
    expect(events).toEqual(['door opened', 'door closed']);
  });

  test('is not tried again after the end', async () => {
    const door = await start(new Error('busy'), 'door');
    door.stop();
    await delay(10);
    expect(events).toEqual(['busy']);
  });

  test('is closed when it opens after the end', async () => {
    let open: ((opened: string) => void) | undefined;
    let attempts = 0;
    const door = await keepTrying<string>({
      open: () => {
        if (attempts++ === 0) throw new Error('busy');
        return new Promise((resolve) => {
          open = resolve;
        });
      },
      onOpen: (opened) => events.push(`${opened} opened`),
      onFailure: (message) => events.push(message),
      close: (opened) => events.push(`${opened} closed`),
      retryMs: 1,
    });
    const resolve = await waitFor('the second attempt', () => open);
    door.stop();
    resolve('door');
    await waitFor('the door to close', () => events.length === 2);
    expect(door.opened).toBeUndefined();
    expect(events).toEqual(['busy', 'door closed']);
  });
});
