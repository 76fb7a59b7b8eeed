import { useState } from 'preact/hooks';
import type { GraphAnswer } from '../web/protocol.js';
import { useAnswer } from './asked.js';
import { HostChoice } from './host-choice.js';
import { layersOf } from './layers.js';
import { linkTo } from './route.js';
import { entries } from './store.js';

const BOX = { width: 150, height: 34, gapX: 70, gapY: 14, pad: 12 };
const LONGEST = 17;

/** The dependencies of the services, with their present states. */
export function Graph() {
  const [host, setHost] = useState(0);
  const services = entries.value.filter((entry) => entry.host === host).map(({ service }) => service);
  const { answer, problem } = useAnswer<GraphAnswer>('/api/graph', { host: String(host) }, services.length);
  const edges = answer?.edges ?? [];
  const linked = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const lone = services.filter(({ name }) => !linked.has(name));
  const layers = layersOf([...linked].sort(), edges);
  const places = new Map(
    layers.flatMap((names, column) =>
      names.map((name, row): [string, { x: number; y: number }] => [
        name,
        { x: BOX.pad + column * (BOX.width + BOX.gapX), y: BOX.pad + row * (BOX.height + BOX.gapY) },
      ]),
    ),
  );
  const width = 2 * BOX.pad + layers.length * (BOX.width + BOX.gapX) - BOX.gapX;
  const height = 2 * BOX.pad + Math.max(0, ...layers.map((names) => names.length)) * (BOX.height + BOX.gapY) - BOX.gapY;
  return (
    <>
      <div class="bar">
        <h1>Dependencies</h1>
        <HostChoice host={host} onChange={setHost} />
        <span class="faint">An arrow leads from a dependency to its dependent.</span>
      </div>
      {problem !== undefined && <p class="why">{problem}</p>}
      {linked.size > 0 && (
        <div class="card scrolls">
          <svg class="graph" width={width} height={height} aria-label="Dependencies">
            <defs>
              <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                <path d="M0,0 L8,4 L0,8 z" />
              </marker>
            </defs>
            {edges.map(({ from, to, condition }) => {
              const [start, end] = [places.get(to), places.get(from)];
              if (start === undefined || end === undefined) return null;
              const [x1, y1] = [start.x + BOX.width, start.y + BOX.height / 2];
              const [x2, y2] = [end.x, end.y + BOX.height / 2];
              const half = BOX.gapX / 2;
              return (
                <path
                  key={`${from} ${to}`}
                  class="edge"
                  d={`M${x1},${y1} C${x1 + half},${y1} ${x2 - half},${y2} ${x2 - 2},${y2}`}
                  marker-end="url(#arrow)"
                >
                  <title>{`${from} waits until ${to} is ${condition}`}</title>
                </path>
              );
            })}
            {[...places].map(([name, { x, y }]) => {
              const service = services.find((candidate) => candidate.name === name);
              return (
                <a key={name} href={linkTo('service', host, name)}>
                  <rect
                    class={`box ${service?.style ?? 'faint'}`}
                    x={x}
                    y={y}
                    width={BOX.width}
                    height={BOX.height}
                    rx="6"
                  />
                  <text x={x + 10} y={y + 15}>
                    {name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name}
                  </text>
                  <text class="small" x={x + 10} y={y + 28}>
                    {service?.state ?? 'there is no such service'}
                  </text>
                  <title>{name}</title>
                </a>
              );
            })}
          </svg>
        </div>
      )}
      {lone.length > 0 && answer !== undefined && (
        <p>
          <span class="faint">Neither depend on a service nor are depended on: </span>
          {lone.map(({ name }, index) => (
            <span key={name}>
              {index > 0 && ', '}
              <a href={linkTo('service', host, name)}>{name}</a>
            </span>
          ))}
        </p>
      )}
    </>
  );
}
