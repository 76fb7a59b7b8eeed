/** Removes the cgroups of services whose container was killed: those that have no process. */
const { readFileSync, readdirSync, rmdirSync } = require('node:fs');
const { join } = require('node:path');

module.exports = () => {
  for (const own of ownGroups())
    for (const name of entriesOf(own))
      if (/^my_init-[0-9a-f]{8}-/.test(name)) attempt(() => rmdirSync(join(own, name)));
};

function ownGroups() {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, version1, path] = /^\d+:(memory)?:(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [join('/sys/fs/cgroup', version1 ?? '', path)];
  });
}

const entriesOf = (directory) => attempt(() => readdirSync(directory)) ?? [];

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
