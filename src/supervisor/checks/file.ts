import { stat } from 'node:fs/promises';
import type { Probe } from '../definition/definition.js';
import type { Checker } from './checker.js';

/** Passes when the path exists, whatever it is. */
export class FileChecker implements Checker {
  readonly #path: string;

  constructor({ path }: Extract<Probe, { kind: 'file' }>) {
    this.#path = path;
  }

  async check(): Promise<string | undefined> {
    try {
      await stat(this.#path);
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? `${this.#path}: does not exist` : `${this.#path}: cannot be looked at (${code})`;
    }
  }
}
