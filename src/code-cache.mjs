// Makes the code cache of the bundled programs with the Node that will run them: node
// src/code-cache.mjs [DIRECTORY] The cache holds functions that ran, so each program is run
// briefly, and then a container. V8 checks that a cache fits its version; another Node compiles as
// usual. No two caches are equal byte for byte.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = resolve(process.argv[2] ?? fileURLToPath(new URL('../dist', import.meta.url)));

/** Definitions as people write them, for the reader of YAML. */
const example = fileURLToPath(new URL('../examples/compose-like/services.yaml', import.meta.url));
/** Each with a command line that ends soon and changes nothing. */
const PROGRAMS = [
  { file: 'controller.js', lib: 'lib', args: ['--compatibility'] },
  { file: 'svctl.js', lib: 'lib-svctl', args: ['--socket', 'code-cache.sock', 'status'] },
];

const PROGRAM = `
  const fs = require('node:fs');
  const [example, file, lib, ...args] = process.argv.splice(1);
  process.argv.push(file, ...args);
  const loader = fs.readFileSync(file, 'utf8').replace(/^#!/, '//');
  const module = { exports: {} };
  const server = require('node:http2').createServer().on('stream', (stream) => {
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  server.listen('code-cache.sock').unref();
  new Function('require', '__dirname', 'module', loader + ';module.exports = { load, loaded };')(require, process.cwd(), module);
  for (const name of fs.readdirSync(lib)) {
    if (!name.endsWith('.js')) continue;
    const { readServicesYaml } = module.exports.load('./' + name);
    const files = [{ file: example, text: fs.readFileSync(example, 'utf8') }];
    readServicesYaml?.(files, () => undefined, { stopMs: 1, finishMs: 1, scriptMs: 1 });
  }
  process.on('exit', () => {
    for (const [name, { script }] of module.exports.loaded)
      fs.writeFileSync(lib + '/' + name.slice(2) + '.cache', script.createCachedData());
    process.exitCode = 0;
  });
`;
/** The main command of the container. On a busy machine it runs before svctl gets an answer. */
const MAIN = 'until "$1" "$2" --socket "$3"; do sleep 0.1; done; touch "$4"; while [ -e "$4" ]; do sleep 0.02; done';
const PRIVATE = 'mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /etc; exec "$@"';
/** What a my_init without namespaces of its own would use, and another one may be using. */
const SHARED = [
  '/run/my_init',
  `/tmp/my_init-${process.getuid()}/my_init.sock`,
  '/etc/my_init',
  '/etc/my_init.pre_shutdown.d',
  '/etc/my_init.post_shutdown.d',
  '/etc/container_environment',
];

/** Added to the controller: saves its cache while the file `save` is beside it. */
const SAVING = `
const { existsSync, unlinkSync, writeFileSync } = require('node:fs');
setInterval(() => {
  const order = __dirname + '/save';
  if (!existsSync(order)) return;
  for (const [name, { script }] of loaded) writeFileSync(directory + name.slice(2) + '.cache', script.createCachedData());
  unlinkSync(order);
}, 20).unref();
`;

for (const { file, lib, args } of PROGRAMS) {
  const { status, stderr } = spawnSync(process.execPath, ['-e', PROGRAM, '--', example, file, lib, ...args], {
    cwd: dist,
    env: {},
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`no code cache of ${file} could be made: ${stderr}`);
}
addFunctionsOfAStart();

/**
 * Replaces the controller's cache by that of a controller at work: one that has started a service
 * and answered svctl. A cache with the functions of a shutdown and of other calls too would be
 * larger, and each start slower. Where no container can run, the cache stays as it is: it lacks
 * functions, which are compiled as usual.
 */
function addFunctionsOfAStart() {
  const home = mkdtempSync(join(tmpdir(), 'my_init-code-cache-'));
  const inside = (name) => join(home, name);
  try {
    for (const name of ['my_init', 'launch', 'addon.node', 'package.json', 'lib'])
      cpSync(join(dist, name), inside(name), { recursive: true });
    writeFileSync(inside('controller.js'), readFileSync(join(dist, 'controller.js'), 'utf8') + SAVING);
    symlinkSync(process.execPath, inside('node'));
    mkdirSync(inside('service/web'), { recursive: true });
    writeFileSync(inside('service/web/run'), '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
    runContainer(
      [inside('my_init'), '--skip-startup-files', '--service-dir', inside('service'), '--socket', inside('socket')],
      ['sh', '-ec', MAIN, 'sh', process.execPath, join(dist, 'svctl.js'), inside('socket'), inside('save')],
    );
    for (const name of readdirSync(inside('lib')).filter((name) => name.endsWith('.cache')))
      cpSync(join(inside('lib'), name), join(dist, 'lib', name));
  } catch (error) {
    process.stderr.write(`The code cache lacks functions that every start needs: ${error.message}\n`);
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** Runs a container, where allowed in namespaces of its own, which disturb no other my_init. */
function runContainer(init, main) {
  const [unshare, ...namespaces] = ['unshare', '--map-root-user', '--mount'];
  const isAllowed = spawnSync(unshare, [...namespaces, 'true']).status === 0;
  if (!isAllowed && SHARED.some(existsSync)) throw new Error('another my_init may be in use here');
  const words = [...(isAllowed ? [unshare, ...namespaces, 'sh', '-ec', PRIVATE, 'sh'] : []), ...init];
  const { status, error, stdout, stderr } = spawnSync(
    words[0],
    [...words.slice(1), '--http-listen', 'none', '--', ...main],
    {
      env: { PATH: process.env.PATH },
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  if (status !== 0) throw new Error(`a container failed: ${error?.message ?? ''} ${stdout} ${stderr}`);
}
