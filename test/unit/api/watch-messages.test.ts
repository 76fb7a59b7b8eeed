import { beforeEach, describe, expect, test } from '@jest/globals';
import { WatchResponse } from '../../../gen/my_init/v1/services.js';
import { WatchMessages } from '../../../src/api/watch-messages.js';
import { FakeServices } from '../../helpers/fake-services.js';

const everything = () => true;
const only = (name: string) => name === 'web';

describe('what watchers are told', () => {
  let services: FakeServices;
  let messages: WatchMessages;
  beforeEach(() => {
    services = new FakeServices();
    services.set('db');
    services.set('web');
    messages = new WatchMessages(services);
  });
  const namesIn = (message: Buffer): readonly string[] => {
    const { event } = WatchResponse.decode(message);
    return event?.$case === 'snapshot' ? event.value.services.map(({ name }) => name) : [];
  };

  test('is encoded once for all who watch everything', () => {
    expect(messages.snapshot(everything)).toBe(messages.snapshot(everything));
    const [change] = services.changesSince(services.revision - 1) ?? [];
    if (change === undefined) throw new Error('no change');
    expect(messages.change(change)).toBe(messages.change(change));
  });

  test('is what they selected', () => {
    expect(namesIn(messages.snapshot(everything))).toEqual(['db', 'web']);
    expect(namesIn(messages.snapshot(only))).toEqual(['web']);
    expect(namesIn(messages.snapshot(everything))).toEqual(['db', 'web']);
  });

  test('is new when something has changed', () => {
    const before = messages.snapshot(everything);
    services.set('web', { state: 'down' });
    expect(messages.snapshot(everything)).not.toBe(before);
  });
});
