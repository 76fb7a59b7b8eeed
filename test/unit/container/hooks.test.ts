import { expect, test } from '@jest/globals';
import { Hooks } from '../../../src/container/shutdown/hooks.js';

/** The hooks of one controller after the other, which share their record. */
const ran = new Map<string, true>();

async function controller(adopted: string): Promise<readonly string[]> {
  const run: string[] = [];
  const scripts = {
    adopted: adopted,
    running: adopted === '' ? undefined : Promise.resolve(),
    run: (path: string, { begun }: { readonly begun: () => void }) => {
      run.push(path);
      begun();
      return Promise.resolve('');
    },
  };
  const records = { saved: new Map(ran), put: (path: string) => void ran.set(path, true), erase: () => {} };
  const messages = { warn: () => {} };
  const { signal } = new AbortController();
  await new Hooks(['/hooks/10', '/hooks/20'], scripts as never, records, messages as never, signal).over;
  return run;
}

test('a hook that was adopted is on record: a third controller does not run it again', async () => {
  // The first controller has died between the start of the hook and the record of it.
  expect(await controller('/hooks/10')).toEqual(['/hooks/20']);
  expect(await controller('')).toEqual([]);
});
