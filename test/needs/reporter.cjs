// Says in one block, at the end, which tests were left out and what they need.
const { readFileSync } = require('node:fs');
const { list } = require('./list.cjs');

module.exports = class LeftOutReporter {
  onRunComplete() {
    const lines = [...new Set(readFileSync(list, 'utf8').split('\n').filter(Boolean))].sort();
    if (lines.length === 0) return;
    process.stderr.write(`\nLEFT OUT, because this machine lacks something (.ci/run installs all of it):\n`);
    for (const line of lines) process.stderr.write(`  ${line}\n`);
  }
};
