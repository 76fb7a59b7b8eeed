import type { RunOrder } from '../types/operations.js';
import type { Cause, ServiceName, ServiceStatus } from '../types/service.js';
import type { DefinitionFiles } from './definition/definition-files.js';
import { describeProblem } from './definition/problems.js';
import { OperationError, shuttingDown } from './operation-error.js';
import type { Service } from './service.js';
import { explainBadName, isServiceName } from './service-directory.js';
import type { ServiceSet } from './service-set.js';

/** Keys that are not allowed here, with the reason. */
const OTHERWISE: Readonly<Record<string, string>> = {
  command: 'the command is a field of its own',
  enabled: 'a transient service is started when it is made',
};

/**
 * Services that an order creates, and that are gone when stopped. Their definition is on record
 * before they are started.
 */
export class TransientServices {
  readonly #set: ServiceSet;
  readonly #definitions: DefinitionFiles;

  constructor(set: ServiceSet, definitions: DefinitionFiles) {
    this.#set = set;
    this.#definitions = definitions;
    set.subscribe(({ status, removed }) => {
      if (!removed) this.#removeStopped(status);
    });
    // An earlier controller may have died before it could do so.
    for (const status of set.list()) this.#removeStopped(status);
  }

  /**
   * Puts a service on record and starts it. Does nothing for a repeated order. Throws
   * OperationError.
   */
  async add(order: RunOrder, cause: Cause, requestId: string): Promise<Service> {
    const { command, keep } = order;
    const name = nameOf(order);
    if (command.length === 0) throw wrong('command', 'must have the program and its arguments');
    const { transient } = this.#definitions;
    const isRepeated = (): boolean => requestId !== '' && transient.recordOf(name)?.requestId === requestId;
    if (!isRepeated()) {
      const text = definitionText(order);
      const problem = await this.#definitions.judgeTransient(name, text);
      if (problem) throw wrong('definition', describeProblem(problem));
      // The first of two equal orders may have been carried out meanwhile.
      if (!isRepeated()) {
        this.#refuseTaken(name);
        this.#record(name, text, { requestId, keep });
      }
    }
    this.#set.add(name, transient.directoryOf(name), cause);
    const service = this.#set.service(name);
    if (service === undefined) throw shuttingDown();
    return service;
  }

  #refuseTaken(name: ServiceName): void {
    const { transient } = this.#definitions;
    if (this.#set.get(name) === undefined && !this.#definitions.list().found.has(name)) return;
    const what = transient.has(name) ? 'a transient service' : 'a service';
    throw new OperationError('NAME_TAKEN', `there is ${what} ${name} already`, { service: name });
  }

  #record(name: ServiceName, text: string, record: { readonly requestId: string; readonly keep: boolean }): void {
    const { transient } = this.#definitions;
    try {
      transient.write(name, text, record);
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      const why = `its definition cannot be written to ${transient.directoryOf(name)} (${code})`;
      throw new OperationError('START_FAILED', `cannot start ${name}: ${why}`, { service: name });
    }
  }

  /**
   * Removes a service that an order stopped. A service that ended by itself stays, and its log with
   * it.
   */
  #removeStopped({ name, state, desired, cause, transient: isTransient }: ServiceStatus): void {
    if (!isTransient || state !== 'down' || desired !== 'down' || this.#set.startsForbidden) return;
    const { transient } = this.#definitions;
    if (transient.recordOf(name)?.keep !== false) return;
    transient.erase(name);
    this.#set.remove(name, cause);
  }
}

function nameOf({ name }: RunOrder): ServiceName {
  if (isServiceName(name)) return name;
  throw wrong('name', `"${name.slice(0, 200)}" cannot be the name of a service: ${explainBadName(name)}`);
}

/** The definition as it is on record. Words of the command are no patterns for variables. */
function definitionText({ command, definition }: RunOrder): string {
  const keys = parseKeys(definition);
  for (const [key, why] of Object.entries(OTHERWISE)) if (key in keys) throw wrong('definition', `${key}: ${why}`);
  return JSON.stringify({ command: command.map((word) => word.replaceAll('$', '$$$$')), ...keys }, null, 2);
}

function parseKeys(definition: string): object {
  if (definition === '') return {};
  try {
    const keys: unknown = JSON.parse(definition);
    if (typeof keys === 'object' && keys !== null && !Array.isArray(keys)) return keys;
  } catch {
    // Said below.
  }
  throw wrong('definition', 'must be a JSON object with keys of service.yaml, like {"restart": "on-failure"}');
}

const wrong = (field: string, why: string): OperationError =>
  new OperationError('INVALID_ARGUMENT', `${field}: ${why}`, { field });
