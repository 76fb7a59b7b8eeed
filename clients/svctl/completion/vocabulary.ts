import type { Command } from '../command.js';
import type { OptionSpec } from '../options.js';

/** All that a completion can offer beside the names of services. */
export interface Vocabulary {
  readonly commands: readonly [Command, ...Command[]];
  readonly common: readonly OptionSpec[];
  readonly formats: readonly string[];
  readonly signals: readonly string[];
  readonly checks: readonly string[];
  readonly shells: readonly string[];
}

/** The options as they are typed. */
export function longNames(options: readonly OptionSpec[]): string[] {
  return options.map(({ name }) => `--${name}`);
}

/** The options that are followed by a value, in every spelling. */
export function valueOptions({ commands, common }: Vocabulary): string[] {
  const all = [...common, ...commands.flatMap(({ options }) => options)].filter(({ value }) => value !== undefined);
  return [
    ...new Set(all.flatMap(({ name, short }) => (short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`]))),
  ];
}
