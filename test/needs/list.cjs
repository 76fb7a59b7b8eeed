// The list of what is left out. Workers inherit its path; test/helpers/left-out.ts writes to it as
// well.
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const directory = mkdtempSync(join(tmpdir(), 'my_init-left-out-'));
const list = join(directory, 'list');
writeFileSync(list, '');
process.env.MY_INIT_LEFT_OUT = list;
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

module.exports = { list };
