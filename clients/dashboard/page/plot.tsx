import { useState } from 'preact/hooks';
import { clockTime } from '../../svctl/text/duration.js';

const EDGES = { height: 150, left: 52, bottom: 20, top: 8 };
/** As many units as there are pixels, about, so that the words are read on a telephone as well. */
const WIDE = { ...EDGES, width: 600, marks: 4 };
const NARROW = { ...EDGES, width: 330, marks: 2 };
const isNarrow = matchMedia('(max-width: 640px)');

export interface PlotProps {
  readonly title: string;
  readonly atMs: readonly number[];
  readonly values: readonly number[];
  /** The least value of the top, so that noise does not look like load. */
  readonly least: number;
  readonly words: (value: number) => string;
}

/** The use of a service in the last ten minutes. */
export function Plot({ title, atMs, values, least, words }: PlotProps) {
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const size = isNarrow.matches ? NARROW : WIDE;
  const [from = 0, to = 0] = [atMs[0], atMs.at(-1)];
  const top = Math.max(least, ...values) * 1.1;
  const x = (at: number) => size.left + ((at - from) / Math.max(1, to - from)) * (size.width - size.left);
  const y = (value: number) => size.top + (1 - value / top) * (size.height - size.bottom - size.top);
  const points = values.map((value, index) => `${x(atMs[index] ?? 0).toFixed(1)},${y(value).toFixed(1)}`);
  const floor = size.height - size.bottom;
  const index = pointed ?? values.length - 1;
  const [value = 0, at = 0] = [values[index], atMs[index]];
  const said = values.length === 0 ? 'no samples yet' : `${words(value)} at ${clockTime(new Date(at)).slice(0, 8)}`;
  const point = ({ currentTarget, clientX }: MouseEvent & { readonly currentTarget: SVGSVGElement }) => {
    const box = currentTarget.getBoundingClientRect();
    const left = (size.left / size.width) * box.width;
    const part = (clientX - box.left - left) / (box.width - left);
    setPointed(Math.max(0, Math.min(values.length - 1, Math.round(part * (values.length - 1)))));
  };
  return (
    <figure class="plot">
      <figcaption>
        {title} <span class="faint">{said}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${size.width} ${size.height}`}
        role="img"
        aria-label={`${title}: ${said}`}
        onMouseMove={point}
        onMouseLeave={() => setPointed(undefined)}
      >
        {[0, 0.5, 1].map((part) => (
          <g key={part} class="grid">
            <line x1={size.left} x2={size.width} y1={y((part * top) / 1.1)} y2={y((part * top) / 1.1)} />
            <text x={size.left - 6} y={y((part * top) / 1.1) + 4} text-anchor="end">
              {words((part * top) / 1.1)}
            </text>
          </g>
        ))}
        {values.length > 1 && (
          <>
            <polygon class="area" points={`${x(from)},${floor} ${points.join(' ')} ${x(to)},${floor}`} />
            <polyline class="curve" points={points.join(' ')} />
          </>
        )}
        {pointed !== undefined && <circle class="pointed" cx={x(at)} cy={y(value)} r="3.5" />}
        {values.length > 1 &&
          Array.from({ length: size.marks }, (_, mark) => from + ((to - from) * mark) / size.marks).map((time) => (
            <text key={time} class="mark" x={x(time)} y={size.height - 4}>
              {clockTime(new Date(time)).slice(0, 8)}
            </text>
          ))}
      </svg>
    </figure>
  );
}
