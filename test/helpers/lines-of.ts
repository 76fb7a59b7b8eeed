import { existsSync, readFileSync } from 'node:fs';

/** The lines that services have written to a file; none where it does not exist yet. */
export const linesOf = (path: string): readonly string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
