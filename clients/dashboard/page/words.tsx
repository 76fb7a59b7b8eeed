// Small parts that several views show.

import { roughSpan, span } from '../../svctl/text/duration.js';
import { memory as memoryWords } from '../../svctl/text/memory.js';
import type { ServiceView, Span } from '../web/protocol.js';
import { nowMs } from './store.js';

/** A mark beside the colour, for people who cannot tell colours apart. */
const MARKS: Readonly<Record<string, string>> = { good: '●', changing: '◐', bad: '▲', faint: '○' };

export function State({ state, style }: { readonly state: string; readonly style: Span['style'] }) {
  return (
    <span class={`state ${style}`}>
      <span aria-hidden="true">{MARKS[style] ?? '○'}</span> {state}
    </span>
  );
}

export const cpuWords = (cpus: number): string => `${Math.round(cpus * 100)}%`;
export const bytesWords = (bytes: number): string => memoryWords(BigInt(Math.round(bytes)));

export function uptimeWords({ running, startedAtMs }: ServiceView): string {
  return running && startedAtMs > 0 ? span(nowMs.value - startedAtMs) : '–';
}

/** As the columns of a list have room for. */
export function roughUptimeWords({ running, startedAtMs }: ServiceView): string {
  return running && startedAtMs > 0 ? roughSpan(nowMs.value - startedAtMs) : '–';
}

export function exitWordsOf({ lastExit, lastExitAtMs }: ServiceView): string {
  if (lastExit === '') return '–';
  return lastExitAtMs === 0 ? lastExit : `${lastExit}, ${roughSpan(nowMs.value - lastExitAtMs)} ago`;
}

/** The trouble, and the time of the next attempt. */
export function troubleOf({ troubleWords, nextStartAtMs }: ServiceView): string {
  if (nextStartAtMs === 0) return troubleWords;
  const leftMs = nextStartAtMs - nowMs.value;
  const next = leftMs < 1000 ? 'next attempt now' : `next attempt in ${span(leftMs)}`;
  return troubleWords === '' ? next : `${troubleWords}; ${next}`;
}

const LINE = { width: 80, height: 18 };

/** The last samples as a line. */
export function Sparkline({ values, least }: { readonly values: readonly number[]; readonly least: number }) {
  const shown = values.slice(-60);
  if (shown.length < 2) return null;
  const top = Math.max(least, ...shown);
  const x = (index: number) => LINE.width - ((shown.length - 1 - index) / 59) * LINE.width;
  const points = shown.map((value, index) => `${x(index)},${LINE.height - 1 - (value / top) * (LINE.height - 2)}`);
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${LINE.width} ${LINE.height}`}
      width={LINE.width}
      height={LINE.height}
      aria-hidden="true"
    >
      <polyline points={points.join(' ')} />
    </svg>
  );
}
