/**
 * Fifty and five hundred services with dependencies in one file: read and put into order, in a
 * fresh process. And the start of as many services in a container, from directories and from one
 * file.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import esbuild from 'esbuild';
import { Container } from '../container.mjs';
import { cpuMs } from '../proc.mjs';
import { names, SUPERVISORS } from '../supervisors.mjs';
import { SERVICE } from '../tools.mjs';

export const rounds = 10;
export const contenders = [{ name: 'my_init', isThere: () => true }];

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { Graph } from ${JSON.stringify(source('dependencies.ts'))};
const begun = performance.now();
const cpu = process.cpuUsage();
const { readServicesYaml } = await import(${JSON.stringify(source('definition/read-yaml.ts'))});
const file = process.argv[2];
const text = readFileSync(file, 'utf8');
const times = { stopMs: 30000, finishMs: 5000, scriptMs: 30000 };
const { services, problems } = readServicesYaml([{ file, text }], () => undefined, times);
const found = [...services.values()];
if (problems.length > 0 || found.some((service) => service.problems.length > 0)) throw new Error('a definition is wrong');
const order = new Graph(found.map((service) => service.definition)).startOrder();
const ms = performance.now() - begun;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(JSON.stringify({ ms, cpuMs: (user + system) / 1000, services: order.length }));
`;

export async function run(_contender, record) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-definitions-'));
  try {
    const outdir = join(directory, 'program');
    await esbuild.build({
      stdin: { contents: PROGRAM, resolveDir: process.cwd(), loader: 'ts', sourcefile: 'program.ts' },
      outdir,
      bundle: true,
      splitting: true,
      minify: true,
      keepNames: true,
      platform: 'node',
      format: 'esm',
      outExtension: { '.js': '.mjs' },
      // As in src/build.mjs.
      banner: {
        js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
      },
      logLevel: 'warning',
    });
    for (const count of [50, 500]) {
      const file = join(directory, 'services.yaml');
      writeFileSync(file, services(count));
      const {
        ms,
        cpuMs,
        services: ordered,
      } = JSON.parse(execFileSync(process.execPath, [join(outdir, 'stdin.mjs'), file], { encoding: 'utf8' }));
      if (ordered !== count) throw new Error(`${ordered} services of ${count} are in the order`);
      record(`${count} services in YAML: read and planned`, 'ms', ms);
      record(`${count} services in YAML: CPU`, 'ms', cpuMs);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  for (const count of [50, 500]) {
    await start(count, 'in directories', SUPERVISORS.my_init.prepare(count), record);
    await start(count, 'in YAML', inYaml(count), record);
  }
}

/** Until all run, and the CPU time of my_init for it. */
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
 * As people write them: a command, a user, variables, a probe, and up to three dependencies on
 * earlier services.
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
