import type { Screen } from './screen.js';

/** One full page of `svctl top`. The view draws the lines between the head and the foot. */
export interface View {
  readonly title: string;
  /**
   * The keys of this view and their effects, for the foot and the help. The foot shows as many as
   * fit.
   */
  readonly keys: readonly KeyHelp[];
  draw(screen: Screen, area: Area): void;
  /** False for a key that the view does not know. */
  key(key: string): boolean;
  /** When the view changes by itself next, in milliseconds from now: a duration on it grows. */
  tickMs(): number;
  close(): void;
}

export type KeyHelp = readonly [key: string, does: string];

export interface Area {
  readonly top: number;
  readonly height: number;
}
