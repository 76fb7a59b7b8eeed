import termkit, { type ScreenBuffer, type Terminal } from 'terminal-kit';

/**
 * A way to write that a terminal of any background shows: its own colours, never a fixed one behind
 * the text.
 */
export interface Style {
  readonly color?: 'green' | 'yellow' | 'red' | 'cyan' | 'magenta' | 'blue';
  readonly bold?: boolean;
  readonly faint?: boolean;
  readonly inverse?: boolean;
}

/**
 * The cells of the terminal. Drawings appear with {@link Screen.flush}; only cells that differ are
 * written.
 */
export class Screen {
  readonly #terminal: Terminal;
  readonly #colours: boolean;
  #buffer: ScreenBuffer;
  #active = false;

  constructor(colours: boolean) {
    this.#terminal = termkit.terminal;
    this.#colours = colours;
    this.#buffer = this.#made();
  }

  get width(): number {
    return this.#buffer.width;
  }

  get height(): number {
    return this.#buffer.height;
  }

  /** Takes the terminal: the other screen of it, no cursor, keys one by one. */
  open(onKey: (key: string) => void, onResize: () => void): void {
    this.#terminal.on('key', (key: string) => {
      if (this.#active) onKey(key);
    });
    this.#terminal.on('resize', () => {
      if (!this.#active) return;
      this.#buffer = this.#made();
      onResize();
    });
    this.resume();
  }

  /** Gives the terminal back as it was, for another program or for good. */
  leave(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#terminal.grabInput(false);
    this.#terminal.styleReset();
    this.#terminal.hideCursor(false);
    this.#terminal.fullscreen(false);
  }

  resume(): void {
    this.#active = true;
    this.#terminal.fullscreen(true);
    this.#terminal.hideCursor(true);
    this.#terminal.grabInput(true);
    this.#buffer = this.#made();
  }

  clear(): void {
    this.#buffer.fill({ attr: { defaultColor: true, bgDefaultColor: true }, char: ' ' });
  }

  /** Writes printable text into one line, and cuts off the text that does not fit. */
  put(x: number, y: number, text: string, style: Style = {}): void {
    const { color, bold, faint, inverse } = style;
    const attr = {
      ...(color === undefined || !this.#colours ? { defaultColor: true } : { color }),
      bgDefaultColor: true,
      bold: bold === true,
      dim: faint === true,
      inverse: inverse === true,
    };
    this.#buffer.put({ x, y, attr, wrap: false, dx: 1, dy: 0 }, text.slice(0, Math.max(0, this.width - x)));
  }

  flush(): void {
    if (this.#active) this.#buffer.draw({ delta: true });
  }

  #made(): ScreenBuffer {
    const { width, height } = this.#terminal;
    return new termkit.ScreenBuffer({ dst: this.#terminal, width, height });
  }
}
