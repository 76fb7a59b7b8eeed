import { fieldsOf, textOf } from '../state/fields.js';
import type { RecordEntry, RecordKind } from '../state/records.js';

/** The latest order of its kind, and its answer. */
export interface OrderRecord<Answer> {
  readonly id: string;
  readonly answer: Answer;
  /** All of it has been carried out. */
  readonly done: boolean;
}

/** `decode`: undefined for an answer that is of no use. */
export const orderRecord = <Answer>(
  kind: string,
  decode: (answer: unknown) => Answer | undefined,
): RecordKind<OrderRecord<Answer>> => ({
  key: `order ${kind}`,
  decode: (value) => {
    const { id, answer, done } = fieldsOf(value);
    const [known, decoded] = [textOf(id), decode(answer)];
    return known === undefined || decoded === undefined
      ? undefined
      : { id: known, answer: decoded, done: done === true };
  },
});

export interface Progress<Answer> {
  /** The answer that an earlier controller had put on record, and then died. */
  readonly begun: Answer | undefined;
  /** Puts the answer on record before its first effect. */
  begin(answer: Answer): void;
}

/**
 * Orders that are not of one service, such as Rescan: an order that is repeated with its id gets
 * the same answer, also from the next controller. The latest id is remembered. An answer that is
 * too large for its record is known to this controller alone.
 */
export class OnceById<Answer> {
  readonly #entry: RecordEntry<OrderRecord<Answer>>;
  #latest: { readonly id: string; readonly answer: Promise<Answer> } | undefined;

  constructor(entry: RecordEntry<OrderRecord<Answer>>) {
    this.#entry = entry;
  }

  carryOut(id: string, act: (progress: Progress<Answer>) => Promise<Answer>): Promise<Answer> {
    if (id === '') return act({ begun: undefined, begin: () => undefined });
    if (this.#latest?.id === id) return this.#latest.answer;
    const saved = this.#entry.saved?.id === id ? this.#entry.saved : undefined;
    const answer = saved?.done ? Promise.resolve(saved.answer) : this.#act(id, saved?.answer, act);
    this.#latest = { id, answer };
    // An order that came to nothing is carried out when it is repeated.
    answer.catch(() => {
      if (this.#latest?.answer === answer) this.#latest = undefined;
    });
    return answer;
  }

  async #act(
    id: string,
    begun: Answer | undefined,
    act: (progress: Progress<Answer>) => Promise<Answer>,
  ): Promise<Answer> {
    const put = (answer: Answer, done: boolean): void => {
      // A later order has taken the record.
      if (this.#latest === undefined || this.#latest.id === id) this.#entry.put({ id, answer, done });
    };
    const answer = await act({ begun, begin: (planned) => put(planned, false) });
    put(answer, true);
    return answer;
  }
}
