/** Values of the keys that say what follows an end: exit rules, delays, limits. */

import type { ExitMatch, Policy } from './definition.js';
import { key, record } from './record-shape.js';
import { choice, duration, either, flag, list, mapped, number, parsed, type Shape, size } from './shapes.js';
import { restartOrSignal, signal, signalOf } from './values.js';

export const exitMatch = parsed('an exit code or a signal', (word): ExitMatch | undefined => {
  if (/^\d{1,3}$/.test(word)) return Number(word) <= 255 ? { kind: 'code', code: Number(word) } : undefined;
  const named = signalOf(word);
  return named && { kind: 'signal', signal: named };
});

export const exitRules: Shape<Policy['exitRules']> = list(
  mapped(
    record(
      {
        codes: key(list(number(0, 255)), 'Exit codes that match.', { default: [] }),
        signals: key(list(signal), 'Signals that match.', { default: [] }),
        oom: key(flag(), 'true: matches a kill by the kernel for lack of memory.', { default: false }),
        action: key(
          either(
            choice(['restart', 'fail', 'complete', 'shutdown']),
            record(
              { shutdown: key(number(0, 255), 'The exit code of the container.', { required: true }) },
              'an action',
            ),
          ),
          'What follows: restart, fail (not started again), complete, shutdown, or {shutdown: CODE}.',
          { required: true },
        ),
      },
      'an exit rule',
    ),
    ({ codes, signals, oom, action }) => ({
      match: [
        ...codes.map((code): ExitMatch => ({ kind: 'code', code })),
        ...signals.map((name): ExitMatch => ({ kind: 'signal', signal: name })),
      ],
      oom,
      action: typeof action === 'string' ? action : ('shutdown' as const),
      code: typeof action === 'string' ? undefined : action.shutdown,
    }),
  ),
  { words: 'a list of rules' },
);

export const restartDelay = mapped(
  record(
    {
      initial: key(duration(), 'Before the first restart of a crash loop.', { default: '1s' }),
      factor: key(number(1, 10, { whole: false }), 'Each delay is longer by this factor.', { default: 2 }),
      max: key(duration(), 'No delay is longer.', { default: '30s' }),
      jitter: key(number(0, 1, { whole: false }), 'Random part of a delay, up and down.', { default: 0.1 }),
      reset_after: key(duration(), 'A run that lasted this long ends a crash loop.', { default: '10s' }),
    },
    'restart_delay',
  ),
  ({ initial, factor, max, jitter, reset_after: resetAfterMs }): Policy['restartDelay'] => ({
    initialMs: initial,
    factor,
    maxMs: max,
    jitter,
    resetAfterMs,
  }),
);

export const startLimit = mapped(
  record(
    {
      attempts: key(number(1, 10_000), 'Failed starts.', { required: true }),
      within: key(duration(1), 'Within this time.', { required: true }),
      // biome-ignore lint/suspicious/noThenProperty: the name of the key in the format; nobody awaits it.
      then: key(choice(['fail', 'shutdown']), 'The service has failed for good, or the container is shut down.', {
        default: 'fail',
      }),
    },
    'start_limit',
  ),
  ({ attempts, within, then }): Policy['startLimit'] => ({ attempts, withinMs: within, then }),
);

export const memoryMax: Shape<NonNullable<Policy['memoryMax']>> = either(
  mapped(size(), (bytes) => ({ bytes, forMs: 0, action: 'restart' as const })),
  mapped(
    record(
      {
        size: key(size(), 'Memory of all its processes together.', { required: true }),
        for: key(duration(), 'How long it may use more.', { default: '0s' }),
        action: key(restartOrSignal, 'restart, or a signal that is sent.', { default: 'restart' }),
      },
      'memory_max',
    ),
    ({ size: bytes, for: forMs, action }) => ({ bytes, forMs, action }),
  ),
);
