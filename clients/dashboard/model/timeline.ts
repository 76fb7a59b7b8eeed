import { causeWords, exitWords, fullState, markerWords, stateStyle } from '../../svctl/phrases.js';
import { type LogMarker, LogMarkerKind, type Service } from '../../typescript/src/index.js';
import type { Happening, Span } from './span.js';

/** A service that restarts every second fills these in a few minutes. */
const SPANS = 200;
const HAPPENINGS = 1000;

/** The states of all services over time: from the markers in their logs, then as they change. */
export class Timeline {
  happenings: readonly Happening[] = [];
  /** How many were dropped before the first of {@link happenings}. */
  dropped = 0;
  readonly #spans = new Map<string, Span[]>();
  /** The run of each service whose end was seen last. */
  readonly #ended = new Map<string, number>();

  of(name: string): readonly Span[] {
    return this.#spans.get(name) ?? [];
  }

  /**
   * The services in their present states. Their earlier history comes from elsewhere, or is
   * unknown.
   */
  know(services: readonly Service[]): void {
    for (const service of services) {
      this.#ended.set(service.name, service.lastExit?.run ?? 0);
      this.#span(service.name, spanOf(service));
    }
  }

  add(service: Service, removed: boolean, time: Date | undefined): void {
    const span = removed ? { fromMs: Date.now(), state: 'removed', style: 'faint' as const } : spanOf(service);
    this.#crash(service);
    if (!this.#span(service.name, span)) return;
    const why = causeWords(service);
    const words = why === '' || removed ? span.state : `${span.state} (${why})`;
    this.#happened([{ atMs: time?.getTime() ?? span.fromMs, service: service.name, words, style: span.style }]);
  }

  /** Puts what the logs say of the time before in front. */
  seed(markers: readonly LogMarker[]): void {
    const earlier: Happening[] = [];
    const spans = new Map<string, Span[]>();
    for (const marker of markers) {
      const atMs = marker.time?.getTime();
      if (atMs === undefined || atMs >= (this.of(marker.service)[0]?.fromMs ?? Infinity)) continue;
      const { state, style } = stateAfter(marker);
      const ofService = spans.get(marker.service) ?? [];
      ofService.push({ fromMs: atMs, state, style });
      spans.set(marker.service, ofService);
      earlier.push({ atMs, service: marker.service, words: markerWords(marker), style });
    }
    for (const [name, ofService] of spans) {
      this.#spans.set(name, [...ofService.slice(-SPANS), ...this.of(name)].slice(-SPANS));
    }
    const later = this.happenings;
    this.happenings = [];
    this.#happened([...earlier.sort((a, b) => a.atMs - b.atMs), ...later]);
  }

  #happened(more: readonly Happening[]): void {
    const all = [...this.happenings, ...more];
    const surplus = Math.max(0, all.length - HAPPENINGS);
    this.happenings = all.slice(surplus);
    this.dropped += surplus;
  }

  /** A service that is started again at once was in no state that says so. */
  #crash({ name, lastExit: exit }: Service): void {
    if (exit === undefined || exit.run === (this.#ended.get(name) ?? 0)) return;
    this.#ended.set(name, exit.run);
    if (exit.expected || (exit.code === 0 && exit.signal === '')) return;
    this.#span(name, { fromMs: exit.at?.getTime() ?? Date.now(), state: `crashed (${exitWords(exit)})`, style: 'bad' });
  }

  /** False when the service was in this state before. */
  #span(name: string, span: Span): boolean {
    const spans = this.#spans.get(name) ?? [];
    if (spans.at(-1)?.state === span.state) return false;
    spans.push(span);
    this.#spans.set(name, spans.slice(-SPANS));
    return true;
  }
}

function spanOf(service: Service): Span {
  return {
    fromMs: service.stateSince?.getTime() ?? Date.now(),
    state: fullState(service),
    style: stateStyle(service),
  };
}

function stateAfter({ kind, exit }: LogMarker): Pick<Span, 'state' | 'style'> {
  switch (kind) {
    case LogMarkerKind.LOG_MARKER_KIND_STARTED:
      return { state: 'starting', style: 'changing' };
    case LogMarkerKind.LOG_MARKER_KIND_READY:
      return { state: 'up', style: 'good' };
    default:
      return exit?.expected === true || (exit?.code === 0 && exit.signal === '')
        ? { state: 'down', style: 'faint' }
        : { state: exit === undefined ? 'down' : `crashed (${exitWords(exit)})`, style: 'bad' };
  }
}
