import { isUtf8 } from 'node:buffer';
import { type BigIntStats, existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { danglingLink } from '../process/dangling-link.js';
import { printable } from '../text/printable.js';
import type { ServiceName } from '../types/service.js';
import { explainBadName, isServiceName, loggerOf } from './service-directory.js';
import { isInstance, isTemplate } from './service-template.js';

/** A directory that can be a service. */
export interface ListedService {
  readonly directory: string;
  /** Tells this directory from any other, under whatever name: see {@link isSameDirectory}. */
  readonly identity: string;
}

export interface Listing {
  readonly found: ReadonlyMap<ServiceName, ListedService>;
  /** Entries that look like services and cannot be. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * The services in a directory: directories, and links to directories. Names that begin with a dot,
 * and files, are passed over, as by runsvdir(8), and templates, as by nitro(8). Throws when the
 * directory cannot be read.
 */
export function listServices(parent: string): Listing {
  const found = new Map<ServiceName, ListedService>();
  const skipped: { name: string; reason: string }[] = [];
  const nameOf = new Map<string, string>();
  for (const bytes of readdirSync(parent, { encoding: 'buffer' }).sort(Buffer.compare)) {
    const name = bytes.toString('utf8');
    if (name.startsWith('.') || isTemplate(name)) continue;
    if (!isUtf8(bytes)) {
      skipped.push({ name: printable(name), reason: explainBadName(name) });
      continue;
    }
    const directory = join(parent, name);
    const identity = identify(directory);
    if (identity === 'file') continue;
    // The instances of a template are one directory.
    const twin = typeof identity === 'object' || isInstance(name, directory) ? undefined : nameOf.get(identity);
    const reason = typeof identity === 'object' ? identity.trouble : explainName(name, twin);
    if (reason !== undefined || typeof identity === 'object' || !isServiceName(name))
      skipped.push({ name: printable(name), reason: reason ?? explainBadName(name) });
    else {
      nameOf.set(identity, name);
      const logger = join(directory, 'log');
      const loggerIdentity = existsSync(join(logger, 'run')) ? identityOf(logger) : undefined;
      // The logger comes before its service, so that it exists when the service is started.
      if (loggerIdentity !== undefined) found.set(loggerOf(name), { directory: logger, identity: loggerIdentity });
      found.set(name, { directory, identity });
    }
  }
  return { found, skipped };
}

/** The identity of a directory, undefined when there is none, for whatever reason. */
export function identityOf(path: string): string | undefined {
  const identity = identify(path);
  return typeof identity === 'string' && identity !== 'file' ? identity : undefined;
}

/**
 * Whether two identities are of one directory. An earlier version of my_init left the birth time
 * out.
 */
export function isSameDirectory(one: string, other: string): boolean {
  const [device, inode, born] = one.split(':');
  const [otherDevice, otherInode, otherBorn] = other.split(':');
  if (device !== otherDevice || inode !== otherInode) return false;
  return born === otherBorn || born === undefined || otherBorn === undefined;
}

function explainName(name: string, twin: string | undefined): string | undefined {
  if (!isServiceName(name)) return explainBadName(name);
  return twin === undefined ? undefined : `it is the same directory as ${twin}`;
}

/**
 * The identity of a directory, or why it cannot be a service; `file` for what is not worth a word.
 */
function identify(path: string): string | 'file' | { readonly trouble: string } {
  try {
    const stat = statSync(path, { bigint: true });
    if (stat.isDirectory()) return [stat.dev, stat.ino, ...birthTime(path, stat)].join(':');
    if (stat.isFile() && stat.mode & 0o111n)
      return { trouble: `it is a program, and a service is a directory with a program "run": mv it to ${path}/run` };
    return 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // An entry that was removed after its name was read is not reported.
    if (code === 'ENOENT') {
      const dangling = danglingLink(path);
      return dangling === undefined ? 'file' : { trouble: `it ${dangling}` };
    }
    if (code === 'ELOOP') return { trouble: 'it is a link that leads in a circle' };
    return { trouble: `it cannot be looked at (${code})` };
  }
}

const OVERLAYFS = 0x794c7630;
const birthTimeChanges = new Map<bigint, boolean>();

/**
 * File systems use inode numbers again at once. The birth time is of no use where overlayfs may
 * copy the directory up.
 */
function birthTime(path: string, { dev, birthtimeNs }: BigIntStats): readonly bigint[] {
  let changes = birthTimeChanges.get(dev);
  if (changes === undefined) {
    changes = statfsSync(path).type === OVERLAYFS;
    birthTimeChanges.set(dev, changes);
  }
  return changes || birthtimeNs === 0n ? [] : [birthtimeNs];
}
