import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../text/printable.js';
import type { ServiceName } from '../types/service.js';
import { explainBadName, isServiceName, loggerOf } from './service-directory.js';

/** A directory that can be a service. */
export interface ListedService {
  readonly directory: string;
  /** What tells this directory from any other, whatever it is called. */
  readonly identity: string;
}

export interface Listing {
  readonly found: ReadonlyMap<ServiceName, ListedService>;
  /** Entries that look like services and cannot be. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * What is in a service directory: directories, and links to directories. Files and names that begin with a dot are nothing
 * to speak of, as with runsvdir(8). Throws when the directory cannot be read.
 */
export function listServices(parent: string): Listing {
  const found = new Map<ServiceName, ListedService>();
  const skipped: { name: string; reason: string }[] = [];
  const nameOf = new Map<string, string>();
  for (const bytes of readdirSync(parent, { encoding: 'buffer' }).sort(Buffer.compare)) {
    const name = bytes.toString('utf8');
    if (name.startsWith('.')) continue;
    if (!isUtf8(bytes)) {
      skipped.push({ name: printable(name), reason: explainBadName(name) });
      continue;
    }
    const directory = join(parent, name);
    const identity = identify(directory);
    if (identity === undefined) continue;
    const reason = typeof identity === 'object' ? identity.trouble : explainName(name, nameOf.get(identity));
    if (reason !== undefined || typeof identity === 'object' || !isServiceName(name))
      skipped.push({ name: printable(name), reason: reason ?? explainBadName(name) });
    else {
      nameOf.set(identity, name);
      const logger = join(directory, 'log');
      const loggerIdentity = existsSync(join(logger, 'run')) ? identityOf(logger) : undefined;
      // Before the service: it is there when the service is started.
      if (loggerIdentity !== undefined) found.set(loggerOf(name), { directory: logger, identity: loggerIdentity });
      found.set(name, { directory, identity });
    }
  }
  return { found, skipped };
}

/** Device and inode of a directory, undefined when there is none, for whatever reason. */
export function identityOf(path: string): string | undefined {
  const identity = identify(path);
  return typeof identity === 'string' ? identity : undefined;
}

function explainName(name: string, twin: string | undefined): string | undefined {
  if (!isServiceName(name)) return explainBadName(name);
  return twin === undefined ? undefined : `it is the same directory as ${twin}`;
}

/** undefined for what is not a directory. */
function identify(path: string): string | { readonly trouble: string } | undefined {
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? `${stat.dev}:${stat.ino}` : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { trouble: 'it is a link to something that does not exist' };
    if (code === 'ELOOP') return { trouble: 'it is a link that leads in a circle' };
    return { trouble: `it cannot be looked at (${code})` };
  }
}
