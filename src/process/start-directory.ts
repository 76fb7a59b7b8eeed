import { statSync } from 'node:fs';

/**
 * The directory in which my_init was started, for the main command, startup scripts and hooks.
 * my_init itself stays in `/`, so that the volume of a WORKDIR can be unmounted. undefined: these
 * programs start in `/`, too.
 */
export function startDirectory(): string | undefined {
  const path = process.env.MY_INIT_DIRECTORY;
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
}
