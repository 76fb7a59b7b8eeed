import { statSync } from 'node:fs';

/**
 * The directory that my_init was started in, for the programs that take its place: main command,
 * startup scripts, hooks. my_init itself stays in `/`, so that the volume of a WORKDIR can be
 * unmounted. undefined: they start where my_init is.
 */
export function startDirectory(): string | undefined {
  const path = process.env.MY_INIT_DIRECTORY;
  return path !== undefined && statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined;
}
