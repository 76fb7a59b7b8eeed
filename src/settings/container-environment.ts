import { type Environment, toText } from '../process/environment.js';
import { readEnvironmentDirectory, variablePath } from './environment-directory.js';
import { dumpEnvironment, readOnly } from './environment-dump.js';
import { replaceFile } from './replace-file.js';
import { WarnOnce } from './warn-once.js';

/**
 * Variables of one user, which other users must not get: no dump has them, and we write no file for
 * them.
 */
const PER_USER = new Set(['HOME', 'USER', 'GROUP', 'UID', 'GID', 'SHELL']);

/**
 * The container's environment, as baseimage-docker keeps it: one file per variable in a directory,
 * which startup scripts change, and two dumps of it. Bytes stay as they are. A failure to read or
 * write is one warning and no more: on a read-only file system scripts cannot change the
 * environment, and everything else works.
 */
export class ContainerEnvironment {
  readonly #directory: string;
  readonly #warn: WarnOnce;
  #current: Environment;
  /**
   * The content of the directory when it was last read or written: a difference is somebody's
   * change.
   */
  #known: Environment = new Map();

  /**
   * `directory`: `/etc/container_environment`; the dumps are beside it, with `.sh` and `.json`
   * added.
   */
  constructor(directory: string, initial: Environment, warn: (text: string) => void) {
    this.#directory = directory;
    this.#current = initial;
    this.#warn = new WarnOnce(warn);
  }

  get current(): Environment {
    return this.#current;
  }

  /**
   * At boot: a variable that was given to the container counts, then one in the directory; all are
   * written out. For the variables of one user a file wins: every runtime sets HOME, only a
   * person writes the file.
   */
  begin(): void {
    const files = readEnvironmentDirectory(this.#directory, this.#warn);
    if (files === undefined) return;
    const ofUser = [...files].filter(([name]) => PER_USER.has(name));
    this.#current = new Map([...files, ...this.#current, ...ofUser]);
    const known = new Map(files);
    for (const [name, value] of this.#current)
      if (files.get(name) !== value && this.#write(name, value)) known.set(name, value);
    this.#known = known;
    this.#dump();
  }

  /**
   * Called after each startup script: variables that it changed in the directory change in the
   * environment, and removed ones are unset.
   */
  refresh(): void {
    const files = readEnvironmentDirectory(this.#directory, this.#warn);
    if (files === undefined) return;
    const current = new Map(this.#current);
    for (const name of this.#known.keys()) if (!files.has(name)) current.delete(name);
    for (const [name, value] of files) if (this.#known.get(name) !== value) current.set(name, value);
    this.#current = current;
    this.#known = files;
    this.#dump();
  }

  /** Whether the variable has its file. */
  #write(name: string, value: string): boolean {
    if (PER_USER.has(name)) return false;
    if (name.includes('/') || name.startsWith('.')) {
      this.#warn.say(`the variable ${toText(name)} has no file in ${this.#directory}: no file can have its name`);
      return false;
    }
    // A reader takes one line end off.
    const content = Buffer.from(value.endsWith('\n') ? `${value}\n` : value, 'latin1');
    try {
      replaceFile(variablePath(this.#directory, name), content, { mode: 0o644 });
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#warn.say(
        code === 'EROFS'
          ? readOnly(this.#directory)
          : `${this.#directory} cannot be written (${code}): startup scripts cannot unset variables that are not in it`,
      );
      return false;
    }
  }

  #dump(): void {
    dumpEnvironment(this.#directory, new Map([...this.#current].filter(([name]) => !PER_USER.has(name))), this.#warn);
  }
}
