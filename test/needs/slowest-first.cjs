// The order of the test files: the slowest come first, so that no worker ends alone with one of
// them. One file builds the image while others run; files that wait for the image come after these.
const { statSync } = require('node:fs');

const LONG = [
  'packaging/install',
  'container/image',
  'survival/controller-failures',
  'hosts/several',
  'packaging/matrix',
  'services/replicas',
  'runit/differential',
  'survival/other-versions',
  'services/transient',
  'survival/definitions',
  'services/stop',
  'survival/controller-death',
  'logs/follow',
  'survival/crash-points',
  'svctl/reach',
  'clients/python',
  'runit/table',
  'survival/container-orders',
  'definitions/readiness',
  'container/',
];

const rankOf = ({ path }) => {
  const rank = LONG.findIndex((part) => path.includes(`/${part}`));
  return rank === -1 ? LONG.length : rank;
};

module.exports = class SlowestFirst {
  sort(tests) {
    const sizes = new Map(tests.map(({ path }) => [path, statSync(path).size]));
    return [...tests].sort((a, b) => rankOf(a) - rankOf(b) || sizes.get(b.path) - sizes.get(a.path));
  }

  /** Nothing is kept from one run to the next: every run has the same order. */
  cacheResults() {}
};
