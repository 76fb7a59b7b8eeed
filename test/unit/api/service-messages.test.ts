import { beforeEach, describe, expect, test } from '@jest/globals';
import { ListResponse, WatchResponse } from '../../../gen/my_init/v1/services.js';
import { ServiceMessages } from '../../../src/api/service-messages.js';
import type { ServiceStatus } from '../../../src/types/service.js';
import { FakeServices } from '../../helpers/fake-services.js';

const everything = () => true;
const only = ({ name }: Pick<ServiceStatus, 'name'>) => name === 'web';

describe('messages with services', () => {
  let services: FakeServices;
  let messages: ServiceMessages;
  beforeEach(() => {
    services = new FakeServices();
    services.set('db');
    services.set('web');
    messages = new ServiceMessages(services);
  });
  const namesIn = (message: Buffer): readonly string[] => {
    const { event } = WatchResponse.decode(message);
    return event?.$case === 'snapshot' ? event.value.services.map(({ name }) => name) : [];
  };

  const listed = (selected: readonly ServiceStatus[]): readonly string[] =>
    ListResponse.decode(messages.list(selected, [])).services.map(({ name }) => name);

  test('are encoded once for all clients that ask for everything', () => {
    expect(messages.snapshot(everything)).toBe(messages.snapshot(everything));
    expect(messages.list(services.list(), [])).toBe(messages.list(services.list(), []));
    const [change] = services.changesSince(services.revision - 1) ?? [];
    if (change === undefined) throw new Error('no change');
    expect(messages.change(change)).toBe(messages.change(change));
  });

  test('contain the selected services', () => {
    expect(namesIn(messages.snapshot(everything))).toEqual(['db', 'web']);
    expect(namesIn(messages.snapshot(only))).toEqual(['web']);
    expect(listed(services.list())).toEqual(['db', 'web']);
    expect(listed(services.list().filter(only))).toEqual(['web']);
    expect(namesIn(messages.snapshot(everything))).toEqual(['db', 'web']);
  });

  test('contain the log losses of the selected services, though losses do not change the revision', () => {
    const losses = ['my_init', 'web'].map((source) => ({ source, lines: 3n, waitingLines: 0n }));
    messages.list(services.list(), []);
    const response = ListResponse.decode(messages.list(services.list(), losses));
    expect(response.services.map(({ name }) => name)).toEqual(['db', 'web']);
    expect(response.logLosses).toEqual([{ source: 'web', lines: 3n, waitingLines: 0n }]);
    expect(ListResponse.decode(messages.list(services.list(), [])).logLosses).toEqual([]);
  });

  test('are encoded again after a change', () => {
    const before = messages.snapshot(everything);
    services.set('web', { state: 'down' });
    expect(messages.snapshot(everything)).not.toBe(before);
    expect(ListResponse.decode(messages.list(services.list(), [])).revision).toBe(BigInt(services.revision));
  });
});
