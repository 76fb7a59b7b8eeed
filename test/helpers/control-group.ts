import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A cgroup of the test's own, with a limit. */
export interface ControlGroup {
  readonly directory: string;
  /** For a shell: puts itself into the group. */
  readonly enter: string;
  /** Writes a file of the group. */
  write(file: string, text: string): void;
  read(file: string): string;
  /** Its processes must have ended. */
  dispose(): void;
}

let made = 0;

/**
 * Makes a cgroup below `parent`; undefined where `parent` cannot be written, as in most containers.
 */
export function makeGroup(parent: string, file: string, limit: string): ControlGroup | undefined {
  made += 1;
  const directory = join(parent, `my_init-test-${process.pid}-${made}`);
  const control = join(directory, file);
  try {
    mkdirSync(directory);
    // Without the file the kernel has the cgroup controller elsewhere, or nowhere.
    if (!existsSync(control)) throw new Error(`${readdirSync(directory)}`);
    writeFileSync(control, limit);
  } catch {
    if (existsSync(directory)) rmdirSync(directory);
    return undefined;
  }
  return {
    directory,
    enter: `echo 0 > ${join(directory, 'cgroup.procs')}`,
    write: (name, text) => writeFileSync(join(directory, name), text),
    read: (name) => readFileSync(join(directory, name), 'latin1'),
    dispose: () => removeWithin(directory),
  };
}

/** Removes a group and the groups below it. */
function removeWithin(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeWithin(join(directory, entry.name));
  rmdirSync(directory);
}
