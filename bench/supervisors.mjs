/** The supervisors of these benchmarks, and how each is configured. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PEBBLE, PM2_RUNTIME, PROCESS_COMPOSE } from './peers.mjs';
import { inPath, SERVICE } from './tools.mjs';

export const MY_INIT = fileURLToPath(new URL('../dist/my_init', import.meta.url));
/** The tree that users install, if npm run package has made it. */
export const TREE = fileURLToPath(
  new URL(
    `../packaging/out/tree/${process.arch === 'x64' ? 'amd64' : process.arch}/usr/lib/my_init/my_init`,
    import.meta.url,
  ),
);

/** `web-1`, `web-2` … */
export const names = (count) => Array.from({ length: count }, (_, index) => `web-${index + 1}`);

/**
 * @typedef {object} Supervisor
 * @property {string} name
 * @property {() => boolean} isThere
 * @property {string} source where to get it
 * @property {NodeJS.Signals} stop what makes it end, as orderly as it can
 * @property {(count: number, options?: object) => Layout} prepare
 *
 * @typedef {(directory: string) => { command: string[], environment?: object }} Layout
 *   lays out so many services in a directory, and says what supervises them
 */

/** @type {Readonly<Record<string, Supervisor>>} */
export const SUPERVISORS = {
  my_init: myInit('my_init', MY_INIT, 'npm run build'),
  myInitTree: myInit('my_init, the tree', TREE, 'npm run package'),
  runit: scanner('runit', 'runsvdir', 'SIGHUP', (_count, directory) => ['runsvdir', '-P', directory]),
  runitWithLoggers: scanner(
    'runit + svlogd',
    'runsvdir',
    'SIGHUP',
    (_count, directory) => ['runsvdir', '-P', directory],
    '#!/bin/sh\nmkdir -p main\nexec svlogd main\n',
  ),
  s6: scanner('s6', 's6-svscan', 'SIGTERM', (count, directory) => ['s6-svscan', '-c', `${2 * count + 10}`, directory]),
  s6WithLoggers: scanner(
    's6 + s6-log',
    's6-svscan',
    'SIGTERM',
    (count, directory) => ['s6-svscan', '-c', `${2 * count + 10}`, directory],
    '#!/bin/sh\nexec s6-log main\n',
  ),
  daemontools: scanner('daemontools', 'svscan', 'SIGTERM', (_count, directory) => ['svscan', directory]),
  supervisord: {
    name: 'supervisord',
    isThere: () => inPath('supervisord'),
    source: 'Debian package supervisor',
    stop: 'SIGTERM',
    prepare: (count) => (directory) => {
      const file = join(directory, 'supervisord.conf');
      writeFileSync(file, supervisordConfiguration(directory, count));
      return { command: ['supervisord', '-n', '-c', file] };
    },
  },
  pm2: {
    name: 'pm2',
    isThere: () => existsSync(PM2_RUNTIME),
    source: 'npm package pm2',
    stop: 'SIGTERM',
    prepare: (count) => (directory) => {
      const places = serviceDirectories(directory, count);
      const apps = names(count).map((name) => ({
        name,
        script: SERVICE,
        interpreter: 'none',
        cwd: join(places, name),
      }));
      const file = join(directory, 'ecosystem.config.json');
      writeFileSync(file, JSON.stringify({ apps }));
      return { command: ['node', PM2_RUNTIME, 'start', file], environment: { PM2_HOME: join(directory, 'pm2') } };
    },
  },
  pebble: {
    name: 'Pebble',
    isThere: () => existsSync(PEBBLE),
    source: 'Go module github.com/canonical/pebble',
    stop: 'SIGTERM',
    prepare:
      (count, { check } = {}) =>
      (directory) => {
        mkdirSync(join(directory, 'layers'));
        writeFileSync(join(directory, 'layers/001-bench.yaml'), pebbleLayer(directory, count, check));
        const environment = { PEBBLE: directory, PEBBLE_SOCKET: join(directory, 'run/pebble.sock') };
        return { command: [PEBBLE, 'run'], environment };
      },
  },
  processCompose: {
    name: 'process-compose',
    isThere: () => existsSync(PROCESS_COMPOSE),
    source: 'Go module github.com/f1bonacc1/process-compose',
    stop: 'SIGTERM',
    prepare:
      (count, { check } = {}) =>
      (directory) => {
        const file = join(directory, 'process-compose.yaml');
        writeFileSync(file, processComposeConfiguration(directory, count, check));
        const socket = ['--use-uds', '--unix-socket', join(directory, 'run/process-compose.sock')];
        const log = ['--log-file', join(directory, 'process-compose.log')];
        return { command: [PROCESS_COMPOSE, 'up', '--tui=false', '--config', file, ...socket, ...log] };
      },
  },
};

const { my_init, runit, s6, daemontools, supervisord, pm2, pebble, processCompose } = SUPERVISORS;
/** One supervisor of each product. */
export const ONE_OF_EACH = [my_init, runit, s6, daemontools, supervisord, pm2, pebble, processCompose];

/** JSON is YAML. `check` is the URL of each service's check, which runs every ten seconds. */
function pebbleLayer(directory, count, check) {
  const places = serviceDirectories(directory, count);
  const service = (name) => ({
    override: 'replace',
    command: SERVICE,
    startup: 'enabled',
    'working-dir': join(places, name),
    ...(check === undefined ? {} : { 'on-check-failure': { [name]: 'restart' } }),
  });
  const ask = () => ({ override: 'replace', period: '10s', http: { url: check } });
  return JSON.stringify({
    services: Object.fromEntries(names(count).map((name) => [name, service(name)])),
    ...(check === undefined ? {} : { checks: Object.fromEntries(names(count).map((name) => [name, ask()])) }),
  });
}

function processComposeConfiguration(directory, count, check) {
  const places = serviceDirectories(directory, count);
  const url = check === undefined ? undefined : new URL(check);
  const probe = url && {
    http_get: { host: url.hostname, scheme: 'http', path: url.pathname, port: url.port },
    period_seconds: 10,
  };
  const process = (name) => ({
    command: SERVICE,
    working_dir: join(places, name),
    availability: { restart: 'always', backoff_seconds: 1 },
    ...(probe && { readiness_probe: probe }),
  });
  return JSON.stringify({
    version: '0.5',
    processes: Object.fromEntries(names(count).map((name) => [name, process(name)])),
  });
}

function myInit(name, program, source) {
  return {
    name,
    isThere: () => existsSync(program),
    source,
    stop: 'SIGTERM',
    prepare:
      (count, { args = [] } = {}) =>
      (directory) => ({
        command: [
          program,
          ...['--service-dir', serviceDirectories(directory, count), '--socket', join(directory, 'run/my_init.sock')],
          ...['--http-listen', '127.0.0.1:0', ...args],
        ],
      }),
  };
}

/** A supervisor that looks for service directories. */
function scanner(name, program, stop, command, logger) {
  return {
    name,
    isThere: () => inPath(program),
    source: `Debian package ${name.split(' ')[0]}`,
    stop,
    prepare: (count) => (directory) => ({ command: command(count, serviceDirectories(directory, count, logger)) }),
  };
}

function serviceDirectories(directory, count, logger) {
  const places = join(directory, 'service');
  mkdirSync(places);
  for (const name of names(count)) {
    mkdirSync(join(places, name));
    symlinkSync(SERVICE, join(places, name, 'run'));
    if (logger === undefined) continue;
    mkdirSync(join(places, name, 'log'));
    writeFileSync(join(places, name, 'log/run'), logger, { mode: 0o755 });
  }
  return places;
}

function supervisordConfiguration(directory, count) {
  const places = serviceDirectories(directory, count);
  const programs = names(count).map(
    (name) => `[program:${name}]\ncommand=${SERVICE}\ndirectory=${join(places, name)}\n`,
  );
  return `[supervisord]
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=${directory}/pid
childlogdir=${directory}
minfds=4096
[unix_http_server]
file=${directory}/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${directory}/run/supervisor.sock
${programs.join('')}`;
}
