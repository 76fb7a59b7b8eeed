import { describe, expect, test } from '@jest/globals';
import { expanded, matcherOf } from '../../../src/api/selector.js';
import { fakeStatus } from '../../helpers/fake-services.js';

const SERVICES = [
  fakeStatus('cron'),
  fakeStatus('mailer', { tags: ['workers'] }),
  fakeStatus('queue', { tags: ['workers', 'critical'] }),
  fakeStatus('web@1', { replicaOf: fakeStatus('web').name }),
];

/** The names that a reading call selects, of `candidates`. */
function selected(names: readonly string[], candidates: readonly string[], globs: readonly string[] = []): string[] {
  const selector = expanded({ names, globs, all: false }, { select: () => SERVICES });
  return candidates.filter(matcherOf(selector));
}

const ALL = ['cron', 'mailer', 'queue', 'web@1', 'web@2', 'web'];

describe('the selector of a stream', () => {
  test('selects by name and pattern', () => {
    expect(selected(['cron'], ALL, ['q*'])).toEqual(['cron', 'queue']);
  });

  test('selects the services that have a tag', () => {
    expect(selected(['@workers'], ALL)).toEqual(['mailer', 'queue']);
    expect(selected(['@critical', 'cron'], ALL)).toEqual(['cron', 'queue']);
  });

  test('selects the replicas that share a name, later ones too', () => {
    expect(selected(['web'], ALL)).toEqual(['web@1', 'web@2']);
  });

  test('selects all when it is empty', () => {
    expect(selected([], ALL)).toEqual(ALL);
  });
});
