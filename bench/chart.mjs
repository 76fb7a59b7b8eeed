/** A chart of the benchmark as SVG: one panel for each work, one bar for each contender. */
import { figure } from './table.mjs';

const WIDTH = 900;
const COLUMNS = 3;
const GAP = 24;
const PANEL = (WIDTH - GAP * (COLUMNS - 1)) / COLUMNS;
const BAR = 18;
const TITLE = 26;
const NAME = 114;
const VALUE = 56;

const STYLE = `text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 } .bar { fill: #8c959f } .ours { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #4493f8 } }`;

/** `panels`: `{ title, bars: [{ name, value }] }`; less is better in all of them. */
export function chart(panels) {
  const most = Math.max(...panels.map(({ bars }) => bars.length));
  const height = TITLE + most * BAR + GAP;
  const drawn = panels.map((panel, at) => {
    const [x, y] = [(at % COLUMNS) * (PANEL + GAP), Math.floor(at / COLUMNS) * height];
    return `<g transform="translate(${x.toFixed(1)} ${y})">${draw(panel)}</g>`;
  });
  const total = Math.ceil(panels.length / COLUMNS) * height;
  const described = panels
    .map(({ title, bars }) => `${title}: ${bars.map(({ name, value }) => `${name} ${figure(value)}`).join(', ')}`)
    .join('. ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${total}" role="img" aria-label="${escaped(described)}">
<style>${STYLE}</style>
${drawn.join('\n')}
</svg>
`;
}

function draw({ title, bars }) {
  const longest = Math.max(...bars.map(({ value }) => value));
  const room = PANEL - NAME - VALUE;
  const rows = bars.map(({ name, value }, at) => {
    const y = TITLE + at * BAR;
    const width = longest > 0 ? Math.max(1, (value / longest) * room) : 1;
    const kind = name === 'my_init' ? 'bar ours' : 'bar';
    return `<text x="${NAME - 8}" y="${y + 10}" text-anchor="end">${escaped(name)}</text><rect class="${kind}" x="${NAME}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 5}" rx="2"/><text x="${(NAME + width + 6).toFixed(1)}" y="${y + 10}">${figure(value)}</text>`;
  });
  return `<text class="title" x="0" y="12">${escaped(title)}</text>${rows.join('')}`;
}

const escaped = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
