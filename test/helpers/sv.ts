import { type Ended, run } from './container.js';

/** Runs the `sv` of Debian's runit on the services of a directory. */
export const sv = (serviceDirectory: string, ...args: readonly string[]): Promise<Ended> =>
  run('env', ['SVWAIT=5', `SVDIR=${serviceDirectory}`, 'sv', ...args]);

/** A line of sv without the parts that differ from run to run: `run: web: (pid N) Ts`. */
export const shapeOf = (text: string): string =>
  text
    .replace(/\(pid \d+\)/g, '(pid N)')
    .replace(/\d+s\b/g, 'Ts')
    .trimEnd();
