import type { BootStep, GetBootResponse } from '../../typescript/src/index.js';
import { took } from '../text/duration.js';
import { axisEnd, outcomeOf, spanOf, waited } from './steps.js';

const ROW = 22;
const TOP = 48;
const CHART = 640;
const LETTER = 7;
const MARKS = 5;

/**
 * The timeline of a boot as a picture. The picture needs no font, script or style from elsewhere.
 */
export function drawBoot(response: GetBootResponse): string {
  const { steps, readySeconds } = response;
  const end = axisEnd(response);
  const left = 24 + LETTER * Math.max(...steps.map(({ name }) => name.length));
  const x = (seconds: number): number => Math.round(left + (end === 0 ? 0 : (seconds / end) * CHART));
  const [width, height] = [left + CHART + 160, TOP + ROW * steps.length + 24];
  const ready =
    readySeconds === undefined
      ? ''
      : line(x(readySeconds), TOP - 8, height - 16, 'ready') +
        text(x(readySeconds) + 4, height - 6, `ready ${took(readySeconds)}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>
svg { background: #fff } text { font: 12px monospace; fill: #222 } .faint { fill: #777 }
.wait { fill: #ddd } .run { fill: #8ab4d8 } .critical { fill: #d9822b } .failed { fill: #c0392b }
.grid { stroke: #eee } .ready { stroke: #2a7a2a }
@media (prefers-color-scheme: dark) {
svg { background: #1a1e26 } text { fill: #e6e9ef } .faint { fill: #9aa4b2 } .wait { fill: #3a4250 }
.grid { stroke: #2c323d } .ready { stroke: #4cc9b8 }
}
</style>
${text(8, 18, title(response))}
${marks(end)
  .map(
    (seconds) =>
      line(x(seconds), TOP - 8, height - 16, 'grid') + text(x(seconds) + 2, TOP - 10, took(seconds), 'faint'),
  )
  .join('\n')}
${steps.map((step, index) => row(step, TOP + ROW * index, end, x)).join('\n')}
${ready}
</svg>
`;
}

function row(step: BootStep, y: number, end: number, x: (seconds: number) => number): string {
  const name = text(8, y + 14, step.name, step.critical ? '' : 'faint');
  const span = spanOf(step, end);
  const outcome = outcomeOf(step);
  if (span === undefined) return name + text(x(0) + 4, y + 14, outcome.name, 'faint');
  const sort = outcome.name === 'failed' ? 'failed' : step.critical ? 'critical' : 'run';
  const ran = `${outcome.name} ${took(span.until)}`;
  const said = [waited(step) && `waited ${waited(step)}`, ran].filter(Boolean).join('; ');
  return [
    name,
    rect(x(span.from), x(span.started), y, 'wait'),
    rect(x(span.started), x(span.until), y, sort, `${step.name}: ${said}`),
    text(x(span.until) + 4, y + 14, ran, 'faint'),
  ].join('');
}

function title({ bootedAt, readySeconds }: GetBootResponse): string {
  const state = readySeconds === undefined ? 'not ready yet' : `ready after ${took(readySeconds)}`;
  return `Boot of ${bootedAt?.toISOString() ?? 'the container'}: ${state}`;
}

const marks = (end: number): readonly number[] =>
  Array.from({ length: MARKS + 1 }, (_, index) => (end / MARKS) * index);

const line = (x: number, from: number, to: number, sort: string): string =>
  `<line class="${sort}" x1="${x}" y1="${from}" x2="${x}" y2="${to}"/>`;

const text = (x: number, y: number, content: string, sort = ''): string =>
  `<text${sort === '' ? '' : ` class="${sort}"`} x="${x}" y="${y}">${escaped(content)}</text>`;

const rect = (from: number, to: number, y: number, sort: string, tooltip = ''): string =>
  `<rect class="${sort}" x="${from}" y="${y + 3}" width="${Math.max(sort === 'wait' ? 0 : 1, to - from)}" height="14">${
    tooltip === '' ? '' : `<title>${escaped(tooltip)}</title>`
  }</rect>`;

/** Names of scripts may have any character, also characters that XML cannot contain. */
const escaped = (content: string): string =>
  content
    .replace(/[\u0000-\u001f]/g, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
