import { appendFileSync } from 'node:fs';

/**
 * A test is left out here: said in one block at the end of the run, or at once where there is no
 * such end.
 */
export function leftOut(what: string, why: string): void {
  const text = `${what}: ${why}\n`;
  const list = process.env.MY_INIT_LEFT_OUT;
  if (list === undefined) process.stderr.write(`LEFT OUT: ${text}`);
  else appendFileSync(list, text);
}
