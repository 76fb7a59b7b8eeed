/** Facts from /proc. A process that is gone has no children, no command and no state. */
import { readdirSync, readFileSync } from 'node:fs';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** The children of a process, of each thread the oldest first. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** The words of the command line, with spaces between them. */
export const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

/** The kernel's letter for the state of a process. */
export function stateOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}

/** Whether a process catches or ignores TERM (bit 14). `path`: its `status`, in any /proc. */
export const takesTerm = (path: string): boolean => /^Sig(?:Ign|Cgt):.*[4-7c-f]...$/m.test(read(path));
