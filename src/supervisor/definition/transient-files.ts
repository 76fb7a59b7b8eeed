import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '../../types/service.js';
import { isServiceName } from '../service-directory.js';
import { serviceFile } from './yaml-files.js';

/** The record of a transient service, beside its definition. */
export interface TransientRecord {
  /** The `request_id` that it came by; '' for none. */
  readonly requestId: string;
  /** The service stays, down, when it is stopped. */
  readonly keep: boolean;
}

const RECORD = 'transient.json';

/**
 * The records of the transient services: `NAME/service.yaml` below the run directory. A record is
 * written before its service exists, and survives the controller, not the container.
 */
export class TransientFiles {
  readonly #directory: string;
  /** Nobody else writes there. */
  readonly #names: Set<ServiceName>;

  /**
   * @param directory where services without a directory of their own have one; each may be that of
   * a transient service
   */
  constructor(directory: string) {
    this.#directory = directory;
    this.#names = new Set(namesIn(directory));
  }

  directoryOf(name: ServiceName): string {
    return join(this.#directory, name);
  }

  has(name: ServiceName): boolean {
    return this.#names.has(name);
  }

  names(): readonly ServiceName[] {
    return [...this.#names];
  }

  /** undefined where there is no transient service of this name. */
  recordOf(name: ServiceName): TransientRecord | undefined {
    try {
      const { requestId, keep } = JSON.parse(readFileSync(join(this.directoryOf(name), RECORD), 'utf8'));
      return this.has(name) ? { requestId: String(requestId), keep: keep === true } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Puts a service on record, as a whole or not at all. Throws the error of the file system. */
  write(name: ServiceName, definition: string, record: TransientRecord): void {
    const made = join(this.#directory, `.${name}`);
    rmSync(made, { recursive: true, force: true });
    try {
      mkdirSync(made, { recursive: true });
      writeFileSync(join(made, RECORD), JSON.stringify(record));
      // Variables may be secret.
      writeFileSync(serviceFile(made), definition, { mode: 0o600 });
      rmSync(this.directoryOf(name), { recursive: true, force: true });
      renameSync(made, this.directoryOf(name));
    } catch (error) {
      rmSync(made, { recursive: true, force: true });
      throw error;
    }
    this.#names.add(name);
  }

  /** The service is no longer defined. Its directory is removed when the service is forgotten. */
  erase(name: ServiceName): void {
    rmSync(serviceFile(this.directoryOf(name)), { force: true });
    this.#names.delete(name);
  }

  /** A new boot: the services of the one before are gone. */
  clear(): void {
    for (const name of this.#names) rmSync(this.directoryOf(name), { recursive: true, force: true });
    this.#names.clear();
  }
}

const namesIn = (directory: string): readonly ServiceName[] =>
  existsSync(directory)
    ? readdirSync(directory)
        .filter(isServiceName)
        .filter((name) => existsSync(serviceFile(join(directory, name))))
    : [];
