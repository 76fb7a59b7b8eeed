// Makes the code cache of the controller's chunks with the Node that will run them: node src/code-cache.mjs [DIRECTORY]
// V8 checks that a cache fits its version; another Node compiles as usual. --predictable makes two builds equal.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const dist = process.argv[2] ?? fileURLToPath(new URL('../dist', import.meta.url));
const program = `
  const fs = require('node:fs');
  process.argv[2] = '--compatibility';
  const loader = fs.readFileSync('controller.js', 'utf8');
  const module = { exports: {} };
  new Function('require', '__dirname', 'module', loader + ';module.exports = { load, loaded };')(require, process.cwd(), module);
  for (const name of fs.readdirSync('lib')) if (name.endsWith('.js')) module.exports.load('./' + name);
  for (const [name, { script }] of module.exports.loaded)
    fs.writeFileSync('lib/' + name.slice(2) + '.cache', script.createCachedData());
`;
const { status, stderr } = spawnSync(process.execPath, ['--predictable', '-e', program], {
  cwd: dist,
  env: {},
  encoding: 'utf8',
});
if (status !== 0) throw new Error(`no code cache could be made: ${stderr}`);
