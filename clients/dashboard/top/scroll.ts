/** A window over rows of which one may be selected. */
export class Scroll {
  selected = 0;
  offset = 0;

  /** Moves the selection for a key of movement; false for any other key. */
  key(key: string, count: number, page: number): boolean {
    const step = STEPS[key]?.(page, count);
    if (step === undefined) return false;
    this.selected = clamp(this.selected + step, count);
    return true;
  }

  /** Keeps the selection within the rows and the window around it. */
  fit(count: number, height: number): void {
    this.selected = clamp(this.selected, count);
    if (this.selected < this.offset) this.offset = this.selected;
    if (this.selected >= this.offset + height) this.offset = this.selected - height + 1;
    this.offset = Math.max(0, Math.min(this.offset, count - height));
  }
}

const clamp = (index: number, count: number): number => Math.max(0, Math.min(index, count - 1));

const STEPS: Readonly<Record<string, (page: number, count: number) => number>> = {
  UP: () => -1,
  k: () => -1,
  DOWN: () => 1,
  j: () => 1,
  PAGE_UP: (page) => -page,
  PAGE_DOWN: (page) => page,
  HOME: (_page, count) => -count,
  g: (_page, count) => -count,
  END: (_page, count) => count,
  G: (_page, count) => count,
};
