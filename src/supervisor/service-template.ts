import { realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { loggedBy } from './service-directory.js';

/** A directory of this name is a template: services are links to it, nitro(8). */
export const isTemplate = (name: string): boolean => name.endsWith('@');

/** Whether a service, or the one of a logger, shares its directory with others of a template. */
export const isInstance = (name: string, directory: string): boolean => {
  const service = loggedBy(name);
  return instanceOf(service ?? name, service === undefined ? directory : dirname(directory)) !== undefined;
};

/** The argument that `run`, `setup` and `finish` of an instance get, nitro(8). */
export function instanceArguments(name: string, directory: string): readonly string[] {
  const instance = instanceOf(name, directory);
  return instance === undefined ? [] : [instance];
}

/** `tty1` of `agetty@tty1`, where that is a link to a directory `agetty@`. */
function instanceOf(name: string, directory: string): string | undefined {
  const at = name.indexOf('@') + 1;
  if (at === 0) return undefined;
  try {
    return basename(realpathSync(directory)) === name.slice(0, at) ? name.slice(at) : undefined;
  } catch {
    // The link leads nowhere.
    return undefined;
  }
}
