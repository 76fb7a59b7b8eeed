import { OperationError } from './operation-error.js';

/** The order that a service has accepted in its turn: `done` is the wait for the outcome. */
interface Accepted {
  readonly done?: Promise<void>;
}

/**
 * Orders on several services that are carried out one after the other: none after one that failed.
 * Each later one fails with the first failure.
 */
export class Turns {
  readonly #verb: string;
  readonly #failures = new Map<string, Promise<OperationError | undefined>>();

  /** `verb`: the participle for a failure message, as in "not restarted". */
  constructor(verb: string) {
    this.#verb = verb;
  }

  /** Carries out `act` for a service after the turns of the others that are named. */
  run<T extends Accepted>(name: string, after: readonly string[], act: () => Promise<T> | T): Promise<T> {
    const before = Promise.all(after.flatMap((other) => this.#failures.get(other) ?? [])).then((failures) =>
      failures.find((failure) => failure !== undefined),
    );
    const accepted = before.then((failure) => {
      if (failure === undefined) return act();
      const message = `${name} was not ${this.#verb}: ${failure.message}`;
      throw new OperationError(failure.reason, message, { ...failure.metadata, service: name });
    });
    const failure = failureOf(accepted, before);
    // The outcome of the service has the error.
    failure.catch(() => undefined);
    this.#failures.set(name, failure);
    return accepted;
  }
}

async function failureOf(
  accepted: Promise<Accepted>,
  before: Promise<OperationError | undefined>,
): Promise<OperationError | undefined> {
  try {
    await (await accepted).done;
    return undefined;
  } catch (error) {
    if (error instanceof OperationError) return (await before) ?? error;
    throw error;
  }
}
