import { describe, expect, test } from '@jest/globals';
import { onHealthChange, probe, serviceHealth } from '../../../src/health/health.js';
import { FakeServices, FakeSystem, fakeStatus } from '../../helpers/fake-services.js';

function sources(...names: string[]) {
  return { view: new FakeServices(names), system: new FakeSystem() };
}

describe('readiness', () => {
  test('is given when all services that are wanted up are ready', () => {
    expect(probe('readiness', sources('cron', 'web'))).toEqual({ serving: true, reasons: [] });
  });

  test('is given without any services', () => {
    expect(probe('readiness', sources()).serving).toBe(true);
  });

  test('names each service that is not ready, and why', () => {
    const all = sources('cron', 'web', 'mail', 'paused');
    all.view.set('cron', { ready: false });
    all.view.set('web', { ready: false, state: 'backoff', trouble: 'it exits at once with 1' });
    all.view.set('mail', { ready: false, state: 'failed', trouble: 'run is missing' });
    all.view.set('paused', { paused: true });
    expect(probe('readiness', all)).toEqual({
      serving: false,
      reasons: [
        'cron is up and not ready yet',
        'mail cannot be started: run is missing',
        'paused is paused',
        'web waits for its next attempt: it exits at once with 1',
      ],
    });
  });

  test('is not lost by a service that somebody stopped, or that runs once', () => {
    const all = sources('web');
    all.view.set('told-down', { state: 'down', desired: 'down' });
    all.view.set('ran-once', { state: 'down', desired: 'once' });
    expect(probe('readiness', all).serving).toBe(true);
  });

  test('is lost at the first moment of a shutdown, whatever still runs', () => {
    const all = sources('web');
    all.system.set({ phase: 'shutting_down' });
    expect(probe('readiness', all)).toEqual({ serving: false, reasons: ['the container is shutting down'] });
  });

  test.each(['booting', 'running'] as const)('is not given before startup is over, while %s', (phase) => {
    const all = sources('web');
    all.system.set({ phase, started: false });
    expect(probe('readiness', all).serving).toBe(false);
    expect(probe('startup', all).reasons).toHaveLength(1);
  });
});

test('liveness depends on my_init only', () => {
  const all = sources('web');
  all.view.set('web', { state: 'failed', ready: false });
  all.system.set({ phase: 'shutting_down', started: false });
  expect(probe('liveness', all)).toEqual({ serving: true, reasons: [] });
});

test.each(['down', 'starting', 'up', 'stopping', 'finishing', 'backoff', 'failed'] as const)(
  'a service that is not ready in state %s says so by its name',
  (state) => {
    expect(serviceHealth(fakeStatus('web', { state })).reasons[0]).toMatch(/^web /);
  },
);

test('a listener learns of changes of services and of my_init until it stops', () => {
  const all = sources('web');
  let heard = 0;
  const stop = onHealthChange(all, () => heard++);
  all.view.set('web', { ready: false });
  all.system.set({ started: false });
  expect(heard).toBe(2);
  stop();
  all.view.set('web', { ready: true });
  expect(heard).toBe(2);
});
