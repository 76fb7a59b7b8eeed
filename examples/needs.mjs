// Looks for the needs of npm start and npm test before npm installs anything: a minute of npm is
// long for a missing compiler.
import { spawnSync } from 'node:child_process';

const OLDEST = [20, 12];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isTooOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
const missing = [process.env.CC ?? 'cc', 'make'].filter((program) => spawnSync(program, ['--version']).error);
const problems = [
  ...(process.platform === 'linux' ? [] : [`my_init is for Linux; this is ${process.platform}`]),
  ...(isTooOld
    ? [`my_init needs Node ${OLDEST.join('.')} or newer; this is ${process.version}: https://nodejs.org`]
    : []),
  ...(missing.length === 0
    ? []
    : [
        `my_init needs a C compiler and make, and ${missing.join(' and ')} cannot be found:
  Debian, Ubuntu: apt-get install gcc libc6-dev make
  Fedora, UBI:    dnf install gcc make
  Alpine:         apk add gcc musl-dev make`,
      ]),
];
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
