import { appendFileSync } from 'node:fs';

/**
 * Reports that a test is left out: in one block at the end of the run, or at once where no reporter
 * runs at the end.
 */
export function leftOut(what: string, why: string): void {
  const text = `${what}: ${why}\n`;
  const list = process.env.MY_INIT_LEFT_OUT;
  if (list === undefined) process.stderr.write(`LEFT OUT: ${text}`);
  else appendFileSync(list, text);
}
