import { readFileSync } from 'node:fs';

/** The content of a kernel file; '' if it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
