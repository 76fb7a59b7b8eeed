import { readFileSync } from 'node:fs';

/** What is in a file of the kernel; '' when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
