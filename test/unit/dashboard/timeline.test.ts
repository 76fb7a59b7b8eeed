import { describe, expect, test } from '@jest/globals';
import { Timeline } from '../../../clients/dashboard/model/timeline.js';
import { layersOf } from '../../../clients/dashboard/page/layers.js';
import { Exit, type LogMarker, LogMarkerKind, Service, ServiceState } from '../../../clients/typescript/src/index.js';

const at = (ms: number): Date => new Date(1_000_000 + ms);
const marker = (kind: LogMarkerKind, ms: number): LogMarker => ({
  service: 'web',
  kind,
  time: at(ms),
  run: 1,
  runId: '',
  exit: kind === LogMarkerKind.LOG_MARKER_KIND_EXITED ? Exit.fromPartial({ run: 1, code: 3, at: at(ms) }) : undefined,
});
const inState = (state: ServiceState, ms: number): Service =>
  Service.fromPartial({ name: 'web', state, ready: state === ServiceState.SERVICE_STATE_UP, stateSince: at(ms) });

describe('the timeline of services', () => {
  test('puts the markers of the logs before the states that it has seen', () => {
    const timeline = new Timeline();
    timeline.know([inState(ServiceState.SERVICE_STATE_UP, 100)]);
    timeline.seed([
      marker(LogMarkerKind.LOG_MARKER_KIND_STARTED, 10),
      marker(LogMarkerKind.LOG_MARKER_KIND_READY, 20),
      marker(LogMarkerKind.LOG_MARKER_KIND_EXITED, 50),
      marker(LogMarkerKind.LOG_MARKER_KIND_READY, 100),
    ]);
    timeline.add(inState(ServiceState.SERVICE_STATE_DOWN, 200), false, at(200));
    expect(timeline.of('web').map(({ fromMs, state }) => [fromMs - 1_000_000, state])).toEqual([
      [10, 'starting'],
      [20, 'up'],
      [50, 'crashed (exit 3)'],
      [100, 'up'],
      [200, 'down'],
    ]);
    expect(timeline.happenings.map(({ words }) => words)).toEqual([
      'run 1 started',
      'run 1 is ready',
      'run 1 ended: exit 3',
      'down',
    ]);
  });

  test('shows the crash of a service that is up again at once', () => {
    const timeline = new Timeline();
    const { exit: lastExit } = marker(LogMarkerKind.LOG_MARKER_KIND_EXITED, 50);
    timeline.know([inState(ServiceState.SERVICE_STATE_UP, 10)]);
    timeline.add({ ...inState(ServiceState.SERVICE_STATE_UP, 60), lastExit }, false, at(60));
    expect(timeline.of('web').map(({ state }) => state)).toEqual(['up', 'crashed (exit 3)', 'up']);
  });

  test('holds a limited number of states of a service that keeps changing', () => {
    const timeline = new Timeline();
    for (let ms = 0; ms < 3000; ms += 2) {
      timeline.add(inState(ServiceState.SERVICE_STATE_UP, ms), false, at(ms));
      timeline.add(inState(ServiceState.SERVICE_STATE_DOWN, ms + 1), false, at(ms + 1));
    }
    expect(timeline.of('web')).toHaveLength(200);
    expect(timeline.happenings).toHaveLength(1000);
    expect(timeline.dropped).toBe(2000);
  });
});

describe('the columns of a dependency graph', () => {
  test('put a service right of all its dependencies, and end where services depend on each other', () => {
    const edges = [
      { from: 'web', to: 'app' },
      { from: 'app', to: 'db' },
      { from: 'web', to: 'db' },
    ];
    expect(layersOf(['app', 'db', 'web'], edges)).toEqual([['db'], ['app'], ['web']]);
    expect(
      layersOf(
        ['a', 'b'],
        [
          { from: 'a', to: 'b' },
          { from: 'b', to: 'a' },
        ],
      )
        .flat()
        .sort(),
    ).toEqual(['a', 'b']);
  });
});
