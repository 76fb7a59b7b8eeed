import { wordsOf } from '../../text/words.js';
import type { ServiceStatus, State } from '../../types/service.js';
import { counter, type Family, gauge, known, oneIf, type Sample } from './family.js';
import type { WallClock } from './wall-clock.js';

const SERVICE = ['service'];

/** The supervisor's facts about each service. */
export function serviceMetrics(services: readonly ServiceStatus[], clock: WallClock): readonly Family[] {
  const each = (value: (service: ServiceStatus) => number): readonly Sample[] =>
    services.map((service) => [value(service), service.name]);
  const where = (value: (service: ServiceStatus) => number | undefined): readonly Sample[] =>
    services.flatMap((service) => known(value(service), service.name));
  const at = (atMs: number | undefined): number | undefined => (atMs === undefined ? undefined : clock.seconds(atMs));
  return [
    gauge(
      'my_init_service_state',
      'Whether the service is in this state: 1 for one state, 0 for the others.',
      ['service', 'state'],
      services.flatMap(({ name, state }) => STATES.map((one): Sample => [oneIf(one === state), name, one])),
    ),
    gauge(
      'my_init_service_waiting',
      'Whether the service waits for a condition on that other one; absent for all others.',
      ['service', 'on'],
      services.flatMap(({ name, waitsFor }) =>
        [...new Set(waitsFor.map(({ on }) => on))].map((on): Sample => [1, name, on]),
      ),
    ),
    gauge(
      'my_init_service_state_change_timestamp_seconds',
      'When the service came into its state, as Unix time.',
      SERVICE,
      each(({ stateSinceMs }) => clock.seconds(stateSinceMs)),
    ),
    gauge(
      'my_init_service_desired_up',
      'Whether my_init works towards keeping the service up: 0 for down and once.',
      SERVICE,
      each(({ desired }) => oneIf(desired === 'up')),
    ),
    gauge(
      'my_init_service_up',
      'Whether the service is in the state up.',
      SERVICE,
      each(({ state }) => oneIf(state === 'up')),
    ),
    gauge(
      'my_init_service_ready',
      'Whether the service is ready to do its work.',
      SERVICE,
      each(({ ready }) => oneIf(ready)),
    ),
    gauge(
      'my_init_service_replicas',
      'Replicas of a service, by the name that they share and whether they are ready; absent for a service that has none.',
      ['service', 'ready'],
      replicaSamples(services),
    ),
    gauge(
      'my_init_service_paused',
      'Whether the service was stopped with SIGSTOP through my_init.',
      SERVICE,
      each(({ paused }) => oneIf(paused)),
    ),
    gauge(
      'my_init_service_held',
      'Whether the service is held: only people act on it.',
      SERVICE,
      each(({ hold }) => oneIf(hold !== undefined)),
    ),
    gauge(
      'my_init_service_hold_end_timestamp_seconds',
      'When the hold of the service ends, as Unix time; absent when it is not held.',
      SERVICE,
      where(({ hold }) => at(hold?.untilMs)),
    ),
    gauge(
      'my_init_service_memory_max_bytes',
      'Memory that the processes of the service may use together, memory_max; absent when it has none.',
      SERVICE,
      where(({ memoryMaxBytes }) => memoryMaxBytes),
    ),
    gauge(
      'my_init_service_transient',
      'Whether the service was created by svctl run.',
      SERVICE,
      each(({ transient }) => oneIf(transient)),
    ),
    gauge(
      'my_init_service_start_timestamp_seconds',
      'When the present run was started, as Unix time; absent when there is none.',
      SERVICE,
      where(({ startedAtMs }) => at(startedAtMs)),
    ),
    counter(
      'my_init_service_starts_total',
      'Runs that were started.',
      SERVICE,
      each(({ counters }) => counters.starts),
    ),
    counter(
      'my_init_service_start_failures_total',
      'Attempts at starting that came to no process of the service.',
      SERVICE,
      each(({ counters }) => counters.startFailures),
    ),
    counter(
      'my_init_service_restarts_total',
      'Starts after the first one, by what led to them.',
      ['service', 'reason'],
      services.flatMap(({ name, counters }) =>
        Object.entries(counters.restarts).map(([reason, count]): Sample => [count, name, reason]),
      ),
    ),
    counter(
      'my_init_service_exits_total',
      'Ends of runs, by kind.',
      ['service', 'kind'],
      services.flatMap(({ name, counters }) =>
        Object.entries(counters.exits).map(([kind, count]): Sample => [count, name, kind]),
      ),
    ),
    counter(
      'my_init_service_oom_kills_total',
      'Ends of runs by the kernel, for lack of memory.',
      SERVICE,
      each(({ counters }) => counters.exits.oom),
    ),
    counter(
      'my_init_service_kills_total',
      'Stops that had to be finished with SIGKILL.',
      SERVICE,
      each(({ counters }) => counters.kills),
    ),
    gauge(
      'my_init_service_last_exit_code',
      'Exit code of the last run, -1 when it has none (ended by a signal, or lost); absent before the first end.',
      SERVICE,
      where(({ lastExit }) => lastExit && (lastExit.status.kind === 'exited' ? lastExit.status.code : -1)),
    ),
    gauge(
      'my_init_service_last_exit_signal',
      'Number of the signal that ended the last run, 0 when none did; absent before the first end.',
      SERVICE,
      where(({ lastExit }) => lastExit && (lastExit.status.kind === 'signaled' ? lastExit.status.signal : 0)),
    ),
    gauge(
      'my_init_service_last_exit_timestamp_seconds',
      'When the last run ended, as Unix time; absent before the first end.',
      SERVICE,
      where(({ lastExit }) => at(lastExit?.atMs)),
    ),
    gauge(
      'my_init_service_consecutive_failures',
      'Runs in a row that ended too soon or could not be started.',
      SERVICE,
      each(({ consecutiveFailures }) => consecutiveFailures),
    ),
    gauge(
      'my_init_service_backoff_seconds',
      'Length of the present back-off, from its beginning to the next attempt; 0 when there is none.',
      SERVICE,
      each(({ nextStartAtMs, stateSinceMs }) =>
        nextStartAtMs === undefined ? 0 : Math.max(0, nextStartAtMs - stateSinceMs) / 1000,
      ),
    ),
    gauge(
      'my_init_service_next_start_timestamp_seconds',
      'When the next attempt at starting is due, as Unix time; absent when none is.',
      SERVICE,
      where(({ nextStartAtMs }) => at(nextStartAtMs)),
    ),
  ];
}

const STATES = wordsOf<State>({
  down: true,
  waiting: true,
  starting: true,
  up: true,
  stopping: true,
  finishing: true,
  backoff: true,
  failed: true,
  completed: true,
});

function replicaSamples(services: readonly ServiceStatus[]): readonly Sample[] {
  const counts = new Map<string, { ready: number; unready: number }>();
  for (const { replicaOf, ready } of services) {
    if (replicaOf === '') continue;
    const { ready: before, unready } = counts.get(replicaOf) ?? { ready: 0, unready: 0 };
    counts.set(replicaOf, ready ? { ready: before + 1, unready } : { ready: before, unready: unready + 1 });
  }
  return [...counts].flatMap(([name, { ready, unready }]): readonly Sample[] => [
    [ready, name, 'true'],
    [unready, name, 'false'],
  ]);
}
