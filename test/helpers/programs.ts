import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '@jest/globals';
import { leftOut } from './left-out.js';

/** A program and the Debian package that has it. */
export interface Needed {
  readonly program: string;
  readonly package: string;
}

const isThere = ({ program }: Needed): boolean =>
  program.startsWith('/')
    ? existsSync(program)
    : [...(process.env.PATH ?? '').split(':'), '/usr/sbin'].some((directory) => existsSync(join(directory, program)));

/** `test` where the programs are installed; elsewhere reports that the test is left out. */
export function testWith(needed: readonly Needed[], title: string, run: () => Promise<void>): void {
  const missing = needed.filter((one) => !isThere(one)).map((one) => one.package);
  if (missing.length === 0) {
    test(title, run);
    return;
  }
  const why = `apt-get install ${missing.join(' ')}`;
  if (process.env.CI) throw new Error(`${title}: ${why}`);
  leftOut(title, why);
  test.skip(title, run);
}
