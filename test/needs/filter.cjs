// Leaves out the test files whose programs are not installed; reporter.cjs says so at the end. In
// CI nothing is left out.
const { appendFileSync } = require('node:fs');
const { relative } = require('node:path');
const { list } = require('./list.cjs');
const { missing, noNamespaces } = require('./programs.cjs');

const NEEDS_NAMESPACES = /\/test\/pid1\/(?!init\/)/;

module.exports = async (paths) => {
  const why = paths.some((path) => NEEDS_NAMESPACES.test(path)) ? noNamespaces() : undefined;
  const filtered = paths.filter((path) => {
    const reasons = [...missing(path), ...(why !== undefined && NEEDS_NAMESPACES.test(path) ? [why] : [])];
    if (reasons.length === 0) return true;
    const text = `${relative(process.cwd(), path)}: ${reasons.join('; ')}`;
    if (process.env.CI) throw new Error(`cannot be run: ${text}`);
    appendFileSync(list, `${text}\n`);
    return false;
  });
  return { filtered };
};
