import { existsSync, mkdirSync } from 'node:fs';
import type { ServiceName } from '../../types/service.js';
import { identityOf, type Listing, listServices } from '../directory-listing.js';
import { isBundle } from './s6-files.js';

/**
 * The service directories, and services without one: each of these gets a directory of its own.
 * Throws as {@link listServices}.
 */
export function listDefined(
  serviceDirectory: string,
  withoutDirectory: Iterable<ServiceName>,
  ownDirectoryOf: (name: ServiceName) => string,
): Listing {
  const names = [...withoutDirectory];
  // Without a directory of services there may still be a file of them.
  const hasDirectory = names.length === 0 || existsSync(serviceDirectory);
  const listing = hasDirectory ? withoutBundles(listServices(serviceDirectory)) : { found: new Map(), skipped: [] };
  const found = new Map(listing.found);
  for (const name of names) {
    if (found.has(name)) continue;
    const directory = ownDirectoryOf(name);
    found.set(name, { directory, identity: identityOf(directory) ?? made(directory) });
  }
  return { ...listing, found };
}

/** A bundle of s6-rc is a name for several services. */
function withoutBundles(listing: Listing): Listing {
  const found = [...listing.found].filter(([, { directory }]) => !isBundle(directory));
  return found.length === listing.found.size ? listing : { ...listing, found: new Map(found) };
}

function made(directory: string): string {
  mkdirSync(directory, { recursive: true });
  return identityOf(directory) ?? '';
}
