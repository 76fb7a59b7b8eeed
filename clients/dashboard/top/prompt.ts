import type { KeyHelp } from './view.js';

/** A question at the foot. */
export interface Prompt {
  readonly keys: readonly KeyHelp[];
  lines(): readonly string[];
  /** True when the question has been answered. */
  key(key: string): boolean;
}

/** A question that only `y` answers with yes. */
export class Confirmation implements Prompt {
  readonly keys: readonly KeyHelp[] = [
    ['y', 'yes'],
    ['n', 'no'],
  ];
  readonly #lines: readonly string[];
  readonly #yes: () => void;

  constructor(lines: readonly string[], yes: () => void) {
    this.#lines = lines;
    this.#yes = yes;
  }

  lines(): readonly string[] {
    return this.#lines;
  }

  key(key: string): boolean {
    if (key === 'y' || key === 'Y') this.#yes();
    return ['y', 'Y', 'n', 'N', 'q', 'ESCAPE', 'ENTER'].includes(key);
  }
}

/** A question that a text answers. `typed` is called at each key. */
export class TextPrompt implements Prompt {
  readonly keys: readonly KeyHelp[] = [
    ['ENTER', 'apply'],
    ['ESC', 'cancel'],
  ];
  readonly #label: string;
  readonly #done: (text: string) => void;
  readonly #typed: (text: string) => void;
  readonly #before: string;
  #text: string;

  constructor(
    label: string,
    text: string,
    done: (text: string) => void,
    typed: (text: string) => void = () => undefined,
  ) {
    this.#label = label;
    this.#text = text;
    this.#before = text;
    this.#done = done;
    this.#typed = typed;
  }

  lines(): readonly string[] {
    return [`${this.#label}: ${this.#text}_`];
  }

  key(key: string): boolean {
    if (key === 'ENTER' || key === 'KP_ENTER') {
      this.#done(this.#text);
      return true;
    }
    if (key === 'ESCAPE') {
      this.#typed(this.#before);
      return true;
    }
    if (key === 'BACKSPACE' || key === 'DELETE') this.#text = [...this.#text].slice(0, -1).join('');
    else if (key === 'CTRL_U') this.#text = '';
    else if ([...key].length === 1) this.#text += key;
    this.#typed(this.#text);
    return false;
  }
}
