/**
 * `npm run bench -- [--install] [--rounds N] [--json FILE] [PART...]`: measures my_init beside
 * others in one run, in turns, so that other work of the machine affects all alike. Prints a table
 * for each part; `--json` writes the same figures, with more digits, into a file.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { installPeers, peerVersions } from './peers.mjs';
import { Samples, table } from './table.mjs';

const PARTS = [
  'start',
  'scarce',
  'restart',
  'many',
  'definitions',
  'orphans',
  'idle',
  'checks',
  'memory',
  'commands',
  'api',
  'remote',
  'controller',
  'logs',
  'looking',
  'growth',
];

const { values: options, positionals } = parse();
if (options.install) installPeers();
const results = [];
for (const name of positionals.length > 0 ? positionals : PARTS) {
  const result = await measure(name, await import(`./parts/${name}.mjs`));
  process.stdout.write(`${table(result.measures)}\n${missing(result)}${name}: ${result.seconds} s\n\n`);
  results.push(result);
  // Written after each part: a run that is cut off keeps its finished parts.
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ ...surroundings(), results })}\n`);
}

/** The machine and the versions behind the figures. */
function surroundings() {
  const [{ model }] = cpus();
  const machine = { cpu: model, cores: cpus().length, kernel: release() };
  return { date: new Date().toISOString().slice(0, 10), node: process.version, machine, peers: peerVersions() };
}

function parse() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: { install: { type: 'boolean' }, rounds: { type: 'string' }, json: { type: 'string' } },
    });
    if (parsed.positionals.every((name) => PARTS.includes(name))) return parsed;
  } catch {
    // An unknown option gets the same answer.
  }
  process.stderr.write(`usage: npm run bench -- [--install] [--rounds N] [--json FILE] [${PARTS.join('|')}]...\n`);
  process.exit(2);
}

async function measure(name, part) {
  const samples = new Samples();
  const present = part.contenders.filter((contender) => contender.isThere());
  const rounds = Number(options.rounds ?? part.rounds);
  const load = loadavg()[0];
  const begunMs = performance.now();
  const measureOne = async (contender) => {
    const found = [];
    await part.run(contender, (...measure) => found.push({ contender, measure }));
    return found;
  };
  for (let round = 0; round < rounds; round++) {
    progress(`${name}: round ${round + 1} of ${rounds}`);
    // A part whose contenders are idle for minutes measures them all at the same time.
    const found = part.together ? await Promise.all(present.map(measureOne)) : [];
    if (!part.together) for (const contender of present) found.push(await measureOne(contender));
    for (const { contender, measure } of found.flat()) {
      const [title, unit, value, of] = measure;
      samples.add(title, unit, of === undefined ? contender.name : `${contender.name}: ${of}`, value);
    }
  }
  progress('');
  const absent = part.contenders.filter((contender) => !present.includes(contender));
  return {
    part: name,
    rounds,
    load,
    seconds: Math.round((performance.now() - begunMs) / 1000),
    measures: samples.summary(),
    missing: absent.map(({ name, source }) => `${name} (${source})`),
  };
}

function missing({ missing: absent }) {
  return absent.length === 0 ? '' : `not installed: ${absent.join(', ')}; --install installs them\n\n`;
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
