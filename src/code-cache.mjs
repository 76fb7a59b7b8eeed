// Makes the code cache of the bundled programs with the Node that will run them: node
// src/code-cache.mjs [DIRECTORY] The cache holds the functions that ran: a short run of each
// program comes first. V8 checks that a cache fits its version; another Node compiles as usual.
// --predictable makes two builds equal.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const dist = process.argv[2] ?? fileURLToPath(new URL('../dist', import.meta.url));

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
for (const { file, lib, args } of PROGRAMS) {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--predictable', '-e', PROGRAM, '--', example, file, lib, ...args],
    {
      cwd: dist,
      env: {},
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`no code cache of ${file} could be made: ${stderr}`);
}
