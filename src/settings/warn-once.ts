/** Warnings about lasting conditions: each text is printed once. */
export class WarnOnce {
  readonly #said = new Set<string>();
  readonly #warn: (text: string) => void;

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  say(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.#warn(text);
  }
}
