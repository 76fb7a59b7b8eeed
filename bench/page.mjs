/**
 * The page docs/performance.md and its chart, made from the JSON of a run: no claim outlives its
 * measurement.
 */
import { readFileSync } from 'node:fs';
import { chart } from './chart.mjs';
import { figure } from './table.mjs';

const SUPERVISORS = ['my_init', 'runit', 's6', 'daemontools', 'supervisord', 'pm2', 'Pebble', 'process-compose'];
const BESIDE_NODE = ['my_init', 'node -e 0', ...SUPERVISORS.slice(1)];

/** The rows of the page: the text about the work, and the title of the measure with its unit. */
const ROWS = [
  ['exec of PID 1 → first instruction of the first service', 'start of the first service, ms'],
  ['CPU until the first service runs', 'CPU until the first service runs, ms'],
  ['CPU until the API answers', 'CPU until the API answers, ms'],
  ['`kill -9` of a service → next run', 'kill -9 to the next run, ms'],
  ['100 services, until all run', '100 services: start, ms'],
  ['500 services, until all run', '500 services: start, ms'],
  ['100 services, until all have ended', '100 services: stop, ms'],
  ['500 services, until all have ended', '500 services: stop, ms'],
  ['`status` of 10 services', 'status of 10 services, ms'],
  ['`status` of 100 services', 'status of 100 services, ms'],
  ['idle for a minute, 100 services: wake-ups', 'idle for a minute: wake-ups, '],
  ['idle for a minute, 100 services: CPU', 'idle for a minute: CPU, ms'],
  ['an HTTP check of 100 services every 10 s: CPU in an hour', '100 checks every 10 s: CPU in an hour, s'],
  ['anonymous memory, 10 services', '10 services: anonymous, kB'],
  ['anonymous memory, 100 services', '100 services: anonymous, kB'],
  ['anonymous memory, 500 services', '500 services: anonymous, kB'],
  ['20 % of a CPU: first service', '20 % of a CPU: first service, ms'],
  ['10 % of a CPU: first service', '10 % of a CPU: first service, ms'],
  ['5 % of a CPU: first service', '5 % of a CPU: first service, ms'],
];

const PANELS = [
  ['first service runs after, ms', 'start of the first service, ms', BESIDE_NODE],
  ['100 services run after, ms', '100 services: start, ms', SUPERVISORS],
  ['a killed service runs again after, ms', 'kill -9 to the next run, ms', SUPERVISORS],
  ['status of 100 services, ms', 'status of 100 services, ms', BESIDE_NODE],
  ['anonymous memory with 100 services, MB', '100 services: anonymous, kB', SUPERVISORS],
  ['CPU in an idle minute, ms', 'idle for a minute: CPU, ms', SUPERVISORS],
];

/** The page and its chart; a measure that was not taken is left out. */
export function report(run) {
  const measures = new Map(
    run.results.flatMap((result) => result.measures).map((measure) => [`${measure.title}, ${measure.unit}`, measure]),
  );
  const row = (key, name) =>
    measures.get(key)?.rows.find((each) => each.name === name || each.name === `${name}: http`);
  const cell = (key, name) => shown(row(key, name));
  return { page: page(run, measures, cell), picture: chart(panels(row)) };
}

function panels(row) {
  return PANELS.map(([title, key, names]) => {
    const perUnit = key.endsWith('kB') ? 1000 : 1;
    const bars = names.map((name) => ({ name, found: row(key, name) })).filter(({ found }) => found && !found.noisy);
    return { title, bars: bars.map(({ name, found }) => ({ name, value: found.median / perUnit })) };
  }).filter(({ bars }) => bars.length > 0);
}

const shown = (row) => (row === undefined ? '' : row.noisy ? 'noisy' : figure(row.median));

/** A table of Markdown, ours first and bold. */
function tableOf(names, rows) {
  const lines = rows.map(([title, ...cells]) => `| ${title} | ${cells.join(' | ')} |`);
  return [`| | ${names.join(' | ')} |`, `|---|${names.map(() => '---|').join('')}`, ...lines].join('\n');
}

const bold = ([first, ...rest]) => [first === '' ? '' : `**${first}**`, ...rest];

function mainTable(measures, cell) {
  const rows = ROWS.filter(([, key]) => measures.has(key)).map(([title, key]) => {
    const unit = measures.get(key).unit;
    return [`${title}${unit === '' ? '' : `, ${unit}`}`, ...bold(BESIDE_NODE.map((name) => cell(key, name)))];
  });
  return tableOf(BESIDE_NODE, rows);
}

/** All measures of a part, by its own contenders. */
function partTable({ measures }) {
  const names = [...new Set(measures.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  return tableOf(
    names,
    measures.map(({ title, unit, rows }) => [
      unit === '' ? title : `${title}, ${unit}`,
      ...names.map((name) => shown(rows.find((row) => row.name === name))),
    ]),
  );
}

const ALONE = {
  orphans: 'Orphans that PID 1 reaps, beside inits that reap and nothing else',
  logs: 'Output of a program that is captured: lines of 100 bytes, as fast as they are taken',
  api: 'The API with 500 services, client and server on the same cores',
  controller: 'The controller is killed',
  definitions: 'Services in YAML',
  looking: 'svctl top (200 × 60) and svctl dashboard show a log that grows by 10,000 lines a second',
  growth: 'What must not grow: how much more there is at the end of the work than in its middle',
};

/**
 * The table of a part that is measured for my_init alone, or beside programs other than the
 * supervisors.
 */
function further(run) {
  return Object.entries(ALONE)
    .map(([part, title]) => ({ title, result: run.results.find((result) => result.part === part) }))
    .filter(({ result }) => result !== undefined)
    .map(({ title, result }) => `### ${title}\n\n\`npm run bench -- ${result.part}\`\n\n${partTable(result)}\n`)
    .join('\n');
}

function page(run, measures, cell) {
  const peers = Object.entries(run.peers).map(([name, version]) => `${name} ${version}`);
  const scarce = measures.has('10 % of a CPU: API answers, ms')
    ? `\nWith 10 % of a CPU the API answers ${cell('10 % of a CPU: API answers, ms', 'my_init')} ms after the start, and ${cell('10 % of a CPU: controller killed to the next answer, ms', 'my_init')} ms after a death of the controller. With 5 %, a TERM 50 ms after the start ends the container with exit code ${cell('5 % of a CPU: TERM 50 ms after the start: exit code, ', 'my_init')}.\n`
    : '';
  return `<!-- Written by bench/report.mjs from docs/performance.json: run that instead of editing this page. -->

# Performance

![Start, restart, status, memory and idle CPU beside other supervisors](performance.svg)

Medians of one run in which all programs took turns: ${run.date}, Node ${run.node.slice(1)} (the Node that ships), ${run.machine.cores} cores of ${run.machine.cpu}, Linux ${run.machine.kernel}.
Peers: ${peers.join(', ')}. Services are a static C program that notes the time of its first instruction. "noisy": the middle half of the samples
spreads over more than half of the median, so that a number would say nothing.

${mainTable(measures, cell)}
${scarce}
Memory is that of the supervision without the services. my_init's includes the logs of every service; runit, s6 and daemontools need one more process per service to keep logs
(\`npm run bench -- memory\` has them with their loggers). supervisord, pm2, Pebble and process-compose keep logs too.

## Repeat it

\`\`\`sh
npm run bench -- --install --json run.json     # all of it, 25 minutes; --install gets the peers that are missing
npm run bench -- --rounds 3 start many         # parts of it
node bench/report.mjs run.json                 # this page, from your run
\`\`\`

## The rest

${further(run)}
${LEVERS}`;
}

const LEVERS = readFileSync(new URL('levers.md', import.meta.url), 'utf8');
