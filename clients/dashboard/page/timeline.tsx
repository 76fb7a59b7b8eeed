import { signal } from '@preact/signals';
import { clockTime } from '../../svctl/text/duration.js';
import type { ServiceView } from '../web/protocol.js';
import { linkTo } from './route.js';
import { entries, hosts, idOf, nowMs, several } from './store.js';
import { State } from './words.js';

const WIDTH = 1000;
const MINUTE_MS = 60_000;
const RANGES: Readonly<Record<string, number>> = {
  '5 minutes': 5 * MINUTE_MS,
  '15 minutes': 15 * MINUTE_MS,
  '1 hour': 60 * MINUTE_MS,
  '6 hours': 360 * MINUTE_MS,
  '24 hours': 1440 * MINUTE_MS,
};
const range = signal('15 minutes');

/** The states of one service until now, as a bar. */
export function TimelineBar({ service, spanMs }: { readonly service: ServiceView; readonly spanMs: number }) {
  const endMs = nowMs.value;
  const x = (atMs: number) => Math.max(0, WIDTH * (1 - (endMs - atMs) / spanMs));
  const { spans } = service;
  const drawn = spans
    .map((span, index) => ({ ...span, from: x(span.fromMs), to: x(spans[index + 1]?.fromMs ?? endMs) }))
    .filter(({ to }) => to > 0)
    // A span of a moment is drawn wider than it is, and above its neighbours.
    .sort((a, b) => Number(a.style === 'bad') - Number(b.style === 'bad'));
  const words = spans.slice(-5).map(({ fromMs, state }) => `${state} since ${clockTime(new Date(fromMs)).slice(0, 8)}`);
  return (
    <svg class="states" viewBox={`0 0 ${WIDTH} 10`} preserveAspectRatio="none" role="img" aria-label={words.join(', ')}>
      <rect class="nothing" width={WIDTH} height="10" />
      {drawn.map(({ fromMs, from, to, state, style }) => (
        <rect key={fromMs} class={style} x={from} width={Math.max(style === 'bad' ? 2 : 1, to - from)} height="10">
          <title>{`${state}, ${clockTime(new Date(fromMs)).slice(0, 8)}`}</title>
        </rect>
      ))}
    </svg>
  );
}

/** When each service was up, down or crashed. */
export function Timeline() {
  const spanMs = RANGES[range.value] ?? 15 * MINUTE_MS;
  const marks = [0, 0.25, 0.5, 0.75].map((part) => nowMs.value - spanMs * (1 - part));
  return (
    <>
      <div class="bar">
        <h1>Timeline</h1>
        <label>
          The last{' '}
          <select
            value={range.value}
            onChange={(event) => {
              range.value = event.currentTarget.value;
            }}
          >
            {Object.keys(RANGES).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <span class="legend">
          <State state="up" style="good" />
          <State state="starting, stopping, waiting" style="changing" />
          <State state="crashed, failed" style="bad" />
          <State state="down" style="faint" />
        </span>
      </div>
      <div class="timeline">
        <div class="row axis" aria-hidden="true">
          <span />
          <span class="marks">
            {marks.map((atMs) => (
              <span key={atMs}>{clockTime(new Date(atMs)).slice(0, 8)}</span>
            ))}
          </span>
        </div>
        {entries.value.map(({ host, service }) => (
          <div class="row" key={idOf(host, service.name)}>
            <a href={linkTo('service', host, service.name)}>
              {service.name}
              {several.value && <span class="faint"> {hosts.value[host]?.name}</span>}
            </a>
            <TimelineBar service={service} spanMs={spanMs} />
          </div>
        ))}
      </div>
    </>
  );
}
