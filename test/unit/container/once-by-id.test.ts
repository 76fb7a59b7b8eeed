import { expect, jest, test } from '@jest/globals';
import { OnceById, type OrderRecord, orderRecord } from '../../../src/container/once-by-id.js';
import { textOf } from '../../../src/state/fields.js';

const kind = orderRecord('test', textOf);

/** The record of one controller as the next one finds it, through JSON. */
class Disk {
  written: string | undefined;

  controller(): OnceById<string> {
    const saved = this.written === undefined ? undefined : kind.decode(JSON.parse(this.written));
    return new OnceById({ saved, put: (record) => this.#write(record) });
  }

  #write(record: OrderRecord<string>): void {
    this.written = JSON.stringify(record);
  }
}

/** Promise.withResolvers needs Node 22. */
function withResolvers(): { promise: Promise<string>; resolve: (text: string) => void } {
  let resolve: (text: string) => void = () => undefined;
  const promise = new Promise<string>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const answers = (answer: string) => jest.fn(async () => answer);

test('an order without an id is carried out each time, and is not on record', async () => {
  const disk = new Disk();
  const orders = disk.controller();
  expect([await orders.carryOut('', answers('a')), await orders.carryOut('', answers('b'))]).toEqual(['a', 'b']);
  expect(disk.written).toBeUndefined();
});

test('a repeated order gets the same answer while the first is under way, after it, and from the next controller', async () => {
  const disk = new Disk();
  const orders = disk.controller();
  const first = orders.carryOut('1', answers('first'));
  const again = answers('again');
  expect(await Promise.all([first, orders.carryOut('1', again)])).toEqual(['first', 'first']);
  expect(await orders.carryOut('1', again)).toBe('first');
  expect(await disk.controller().carryOut('1', again)).toBe('first');
  expect(again).not.toHaveBeenCalled();
});

test('the latest id is remembered', async () => {
  const orders = new Disk().controller();
  await orders.carryOut('1', answers('first'));
  await orders.carryOut('2', answers('second'));
  expect(await orders.carryOut('1', answers('again'))).toBe('again');
});

test('an order that failed is carried out when it is repeated', async () => {
  const disk = new Disk();
  const orders = disk.controller();
  const fail = async (): Promise<string> => {
    throw new Error('no');
  };
  await expect(orders.carryOut('1', fail)).rejects.toThrow('no');
  expect(disk.written).toBeUndefined();
  expect(await orders.carryOut('1', answers('now'))).toBe('now');
});

test('an order whose controller died in the middle is finished by the next one, with the planned answer', async () => {
  const disk = new Disk();
  void disk.controller().carryOut('1', async ({ begin }) => {
    begin('planned');
    return new Promise(() => undefined);
  });
  const next = disk.controller();
  expect(await next.carryOut('1', async ({ begun }) => `${begun}, finished`)).toBe('planned, finished');
  expect(await disk.controller().carryOut('1', answers('again'))).toBe('planned, finished');
});

test('an order that ends after a later one does not touch the record of the later one', async () => {
  const disk = new Disk();
  const orders = disk.controller();
  const { promise, resolve } = withResolvers();
  const slow = orders.carryOut('1', () => promise);
  await orders.carryOut('2', answers('second'));
  resolve('first');
  expect(await slow).toBe('first');
  expect(await disk.controller().carryOut('2', answers('again'))).toBe('second');
});

test.each([[{}], ['text'], [{ id: 1, answer: 'a' }], [{ id: '1', answer: 1 }]])('%j is no record', (value) => {
  expect(kind.decode(value)).toBeUndefined();
});
