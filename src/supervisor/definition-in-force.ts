import type { Definition, Problem } from './definition/definition.js';
import { readFinish } from './definition/read-directory.js';
import type { ServiceContext, ServiceId } from './service-context.js';

/** The definition that a service goes by, and how its files differ from the definition. */
export class DefinitionInForce {
  readonly #service: ServiceId;
  readonly #read: ServiceContext['read'];
  #definition: Definition;
  #problem: Problem | undefined;
  #isChanged = false;
  /** The definition was read for the start that is next. */
  #isFresh = true;

  constructor(service: ServiceId, read: ServiceContext['read']) {
    this.#service = service;
    this.#read = read;
    this.#definition = this.read();
  }

  get definition(): Definition {
    return this.#definition;
  }

  /** Why the service cannot be started as it is defined. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** The files of the service differ from the definition in force. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** Reads the files again. */
  read(): Definition {
    const { name, directory } = this.#service;
    const { definition, problem, isChanged = false } = this.#read(name, directory);
    this.#definition = definition;
    this.#problem = problem;
    this.#isChanged = isChanged;
    this.#isFresh = !isChanged;
    return definition;
  }

  readForStart(): Problem | undefined {
    if (!this.#isFresh || this.#problem !== undefined) this.read();
    this.#isFresh = false;
    return this.#problem;
  }

  readFinish(): void {
    const { name, directory } = this.#service;
    const finish = readFinish(name, directory);
    if (finish !== this.#definition.finish) this.#definition = { ...this.#definition, finish };
  }
}
