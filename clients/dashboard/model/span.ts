/** A time during which a service was in one state; a span lasts until the next one begins. */
export interface Span {
  readonly fromMs: number;
  /** In words, and the sort of it. */
  readonly state: string;
  readonly style: StateStyle;
}

/** Something that happened to a service. */
export interface Happening {
  readonly atMs: number;
  readonly service: string;
  readonly words: string;
  readonly style: StateStyle;
}

export type StateStyle = 'good' | 'changing' | 'bad' | 'faint';
