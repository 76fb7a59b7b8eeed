/**
 * Keys that a process takes with it when it starts: a change of them needs a restart. The others
 * are taken over while it runs.
 */
export const RESTART_KEYS: ReadonlySet<string> = new Set([
  'command',
  'type',
  'ready',
  'environment',
  'env_file',
  'pass_env',
  'user',
  'group_add',
  'working_dir',
  'umask',
  'nice',
  'oom_score_adj',
  'ulimits',
]);
