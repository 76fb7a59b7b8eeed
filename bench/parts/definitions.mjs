/**
 * Fifty and five hundred services with dependencies in one file: read and put into order, in a
 * process that is as fresh as a controller at boot. And the start of as many services in a
 * container, from directories and from one file.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../src/bundle.mjs';
import { Container } from '../container.mjs';
import { cpuMs } from '../proc.mjs';
import { names, SUPERVISORS } from '../supervisors.mjs';
import { SERVICE } from '../tools.mjs';

export const rounds = 5;
export const contenders = [{ name: 'my_init', isThere: () => true }];

/**
 * Reads and plans as a controller does, or has the library alone parse the same text: `yaml` is the
 * least time possible. The reader is loaded first and counted apart: each container with YAML loads
 * it once.
 */
const PROGRAM = `
import { readFileSync } from 'node:fs';
import { Graph } from ${JSON.stringify(source('dependencies.ts'))};
const [file, what] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const times = { stopMs: 30000, finishMs: 5000, scriptMs: 30000 };

function plan({ readServicesYaml }) {
  const { services, problems } = readServicesYaml([{ file, text }], () => undefined, times);
  const found = [...services.values()];
  if (problems.length > 0 || found.some((service) => service.problems.length > 0)) throw new Error('a definition is wrong');
  return new Graph(found.map((service) => service.definition)).startOrder().length;
}

function measured(work) {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(cpu);
  return { result, ms: performance.now() - begun, cpuMs: (user + system) / 1000 };
}

async function main() {
  const begun = performance.now();
  const reader = what === 'parse' ? await import('./parse.ts') : await import(${JSON.stringify(source('definition/read-yaml.ts'))});
  const loadMs = performance.now() - begun;
  const { result: services, ms, cpuMs } = measured(() => (what === 'parse' ? reader.parse(text) : plan(reader)));
  process.stdout.write(JSON.stringify({ loadMs, ms, cpuMs, services }));
}
void main();
`;

/** Parses with the options of src/supervisor/definition/parse-yaml.ts. */
const PARSE = `
import { LineCounter, parseDocument } from 'yaml';
export const parse = (text) =>
  parseDocument(text, { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false, keepSourceTokens: false, lineCounter: new LineCounter() }).get('services').items.length;
`;

/** The flags with which init starts the controller. */
const FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=1'];

export async function run(_contender, record) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-definitions-'));
  try {
    for (const count of [50, 500]) writeFileSync(join(directory, `${count}.yaml`), services(count));
    const program = await build(directory);
    for (const count of [50, 500]) {
      const read = (what) => {
        const args = [...FLAGS, program, join(directory, `${count}.yaml`), what];
        const measured = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
        if (measured.services !== count) throw new Error(`${measured.services} services of ${count} were read`);
        return measured;
      };
      const { loadMs, ms, cpuMs } = read('plan');
      if (count === 50) record('the reader of YAML: loaded', 'ms', loadMs);
      record(`${count} services in YAML: read and planned`, 'ms', ms);
      record(`${count} services in YAML: CPU`, 'ms', cpuMs);
      const floor = read('parse');
      record(`${count} services in YAML: parsed by the library alone`, 'ms', floor.ms);
      record(`${count} services in YAML: CPU of the library alone`, 'ms', floor.cpuMs);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  for (const count of [50, 500]) {
    await start(count, 'in directories', SUPERVISORS.my_init.prepare(count), record);
    await start(count, 'in YAML', inYaml(count), record);
  }
}

/** Bundled as the controller is, with V8's code cache of both ways to run it. */
async function build(directory) {
  const entry = join(directory, 'entry.ts');
  const program = join(directory, 'program.js');
  writeFileSync(entry, PROGRAM);
  writeFileSync(join(directory, 'parse.ts'), PARSE);
  await bundle(entry, program, 'lib', { define: {}, minify: true, nodePaths: [join(process.cwd(), 'node_modules')] });
  const warm = `
    const [file, ...args] = process.argv.splice(1);
    process.argv.push(file, ...args);
    const { readFileSync, writeFileSync } = require('node:fs');
    const module = { exports: {} };
    const loader = readFileSync(file, 'utf8') + ';module.exports = loaded;';
    new Function('require', '__dirname', 'module', loader)(require, process.cwd(), module);
    process.on('exit', () => {
      for (const [name, { script }] of module.exports) writeFileSync('lib/' + name.slice(2) + '.cache', script.createCachedData());
    });`;
  for (const what of ['plan', 'parse'])
    execFileSync(process.execPath, ['--predictable', '-e', warm, '--', program, join(directory, '50.yaml'), what], {
      cwd: directory,
    });
  return program;
}

/** The time until all services run, and the CPU time of my_init for it. */
async function start(count, where, prepare, record) {
  const container = new Container(prepare);
  try {
    const { begunMs, starts } = await container.started(count);
    const cpu = container.supervisors().reduce((sum, pid) => sum + cpuMs(pid), 0);
    record(`${count} services ${where}: start`, 'ms', starts.at(-1).atMs - begunMs);
    record(`${count} services ${where}: CPU of the start`, 'ms', cpu);
  } finally {
    await container.dispose();
  }
}

/** The same services, with a definition as people write them and no conditions to wait for. */
function inYaml(count) {
  return (directory) => {
    const prepared = SUPERVISORS.my_init.prepare(0)(directory);
    const file = join(directory, 'services.yaml');
    const entries = names(count).map(
      (name, at) => `  ${name}: { command: [${SERVICE}], environment: { PORT: ${10_000 + at} }, stop_signal: TERM }\n`,
    );
    writeFileSync(file, `services:\n${entries.join('')}`);
    return { ...prepared, command: [...prepared.command, '--services', file] };
  };
}

/**
 * Services as people write them: a command, a user, variables, a probe, and up to three
 * dependencies on earlier services.
 */
function services(count) {
  const entries = Array.from({ length: count }, (_, at) => {
    const needs = [at - 1, at >> 1, at >> 2].filter((other) => other >= 0 && other < at);
    return `  service-${at}:
    command: [/usr/bin/server, --port, "${10_000 + at}"]
    user: www-data
    environment: { PORT: ${10_000 + at}, MODE: production }
    depends_on: [${[...new Set(needs)].map((other) => `service-${other}`).join(', ')}]
    ready: { tcp: "localhost:${10_000 + at}", interval: 30s }
`;
  });
  return `services:\n${entries.join('')}`;
}

function source(path) {
  return new URL(`../../src/supervisor/${path}`, import.meta.url).pathname;
}
