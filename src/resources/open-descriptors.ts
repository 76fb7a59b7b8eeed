import { readdirSync, statSync } from 'node:fs';

/**
 * The number of open descriptors of a process; 0 when it is gone, undefined when it may not be
 * read.
 */
export function openDescriptors(pid: number): number | undefined {
  const directory = `/proc/${pid}/fd`;
  try {
    // Since Linux 6.2 the size of the directory is the number of its entries, and anybody may ask
    // for it.
    return statSync(directory).size || readdirSync(directory).length;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 0 : undefined;
  }
}
