import type { SpawnOrder } from './process-host.js';

/** The user, groups and limits of a process, set by `launch`; undefined leaves those of my_init. */
export interface Identity {
  /** `NAME`, `UID` or `USER:GROUP`. */
  readonly user: string | undefined;
  readonly groupAdd: readonly string[];
  readonly umask: number | undefined;
  readonly nice: number | undefined;
  readonly oomScoreAdj: number | undefined;
  /** By name without RLIMIT_, in lower case. Infinity is no limit. */
  readonly ulimits: ReadonlyMap<string, { readonly soft: number; readonly hard: number }>;
}

/** RLIMIT_ numbers of Linux, the same on every architecture that Node runs on. */
const RESOURCES: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};

/** Where the descriptors are that `launch` gets beside 0, 1 and 2. */
const ENVIRONMENT = 3;
const REGISTER = 4;
const PASSED = 5;

/** The arguments of `launch`, docs/design/launch.md. `offset`: of the record of this start. */
export function launchArguments(order: SpawnOrder, offset: number, openFilesLimit: string): string[] {
  const { directory, passed, identity, group } = order;
  const words = ['-r', `${REGISTER}:${offset}:${process.pid}`, order.as === 'session' ? '-s' : '-f'];
  if (directory !== undefined) words.push('-d', directory);
  if (order.searchPath) words.push('-p');
  words.push('-E', String(ENVIRONMENT), '-l', `${RESOURCES.nofile}:${openFilesLimit}`);
  if (passed !== undefined) words.push('-k', `${PASSED}:${passed.at}`);
  if (group !== undefined) words.push('-c', group);
  if (identity !== undefined) words.push(...identityArguments(identity));
  return [...words, '--', order.program, ...order.args];
}

function identityArguments({ user, groupAdd, umask, nice, oomScoreAdj, ulimits }: Identity): string[] {
  const words: string[] = [];
  for (const [name, { soft, hard }] of ulimits) words.push('-l', `${RESOURCES[name]}:${limit(soft)}:${limit(hard)}`);
  if (nice !== undefined) words.push('-n', String(nice));
  if (oomScoreAdj !== undefined) words.push('-o', String(oomScoreAdj));
  if (umask !== undefined) words.push('-m', umask.toString(8));
  if (user !== undefined) words.push('-u', user);
  for (const group of groupAdd) words.push('-g', group);
  return words;
}

const limit = (value: number): number => (Number.isFinite(value) ? value : -1);

/** The key of a definition that a stage of `launch` is about: `ulimits.memlock`, `group_add.0`. */
export function keyOfStage(stage: string): string {
  const resource = stage.startsWith('ulimits.') ? Number(stage.slice('ulimits.'.length)) : undefined;
  if (resource === undefined) return stage === 'group' ? 'user' : stage;
  const name = Object.keys(RESOURCES).find((one) => RESOURCES[one] === resource);
  return `ulimits.${name ?? resource}`;
}
