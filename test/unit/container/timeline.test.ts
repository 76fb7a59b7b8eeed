import { expect, test } from '@jest/globals';
import { type TimelineSources, timelineOf } from '../../../src/container/boot/timeline.js';
import type { ServiceName } from '../../../src/types/service.js';

type Source = TimelineSources['services'][number];

/** A service that is wanted at 100 ms, like all others here. */
const service = (name: string, waitsFor: string, startedAtMs?: number, endedAtMs?: number): Source => ({
  status: {
    name,
    autostart: true,
    optional: false,
    waitsFor: waitsFor === '' ? [] : [{ on: waitsFor, condition: 'ready', reason: 'not-yet' }],
    desired: 'up',
  } as unknown as Source['status'],
  machine: {
    firstStart: {
      wantedAtMs: 100,
      waitedFor: startedAtMs === undefined ? '' : (waitsFor as ServiceName),
      startedAtMs,
      endedAtMs,
      outcome: endedAtMs === undefined ? undefined : 'ready',
    },
  },
});

const stepsOf = (services: readonly Source[], startedAtMs?: number) =>
  timelineOf({
    bootedAtMs: 0,
    moments: { controllerReadyAtMs: 50, scriptsEndedAtMs: 60, startedAtMs },
    scripts: [],
    services,
    nowMs: 1_000,
  }).steps.map(({ name, critical }) => (critical ? `*${name}` : name));

test('steps are in the order of their starts, whatever their names', () => {
  const services = [service('a', 'b', 300, 400), service('b', 'c', 200, 300), service('c', '', 100, 200)];
  expect(stepsOf(services, 400)).toEqual(['*controller', '*c', '*b', '*a']);
});

test('steps that have not started are in the order in which they can', () => {
  const services = [service('a', 'b'), service('b', 'c'), service('c', '', 100)];
  expect(stepsOf(services)).toEqual(['*controller', '*c', '*b', '*a']);
});
