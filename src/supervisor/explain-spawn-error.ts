/** Why no process could be started, and what can be done about it. */
export function explainSpawnError(error: { readonly code?: string; readonly message?: string }): string {
  switch (error.code) {
    case 'EAGAIN':
      return 'no process could be started: the limit of processes is reached (pids limit of the container, or RLIMIT_NPROC)';
    case 'ENOMEM':
      return 'no process could be started: out of memory';
    case 'ENOENT':
      return 'no process could be started: /dev/null or a part of my_init is missing (ENOENT)';
    case 'EMFILE':
    case 'ENFILE':
      return `no process could be started: too many open files (${error.code})`;
    default:
      return `no process could be started: ${error.code ?? error.message}`;
  }
}
