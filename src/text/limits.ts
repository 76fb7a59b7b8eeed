import { roughSize } from './size.js';

/** The limits of a container; undefined: none. */
export interface LimitValues {
  readonly memoryBytes: number | undefined;
  readonly cpus: number | undefined;
}

/** A sentence for each limit that differs. */
export function describeChange(before: LimitValues, now: LimitValues): readonly string[] {
  return [
    ...(before.memoryBytes === now.memoryBytes
      ? []
      : [`the memory limit of the container is ${memoryText(now)} now; it was ${memoryText(before)}`]),
    ...(before.cpus === now.cpus
      ? []
      : [`the CPU quota of the container is ${cpusText(now)} now; it was ${cpusText(before)}`]),
  ];
}

/** `512 MiB of memory, 0.5 CPUs`. */
export function describeLimits({ memoryBytes, cpus }: LimitValues): string {
  const memory = memoryBytes === undefined ? [] : [`${roughSize(memoryBytes)} of memory`];
  const quota = cpus === undefined ? [] : [cpusText({ cpus })];
  return [...memory, ...quota].join(', ') || 'none';
}

const memoryText = ({ memoryBytes }: Pick<LimitValues, 'memoryBytes'>): string =>
  memoryBytes === undefined ? 'none' : roughSize(memoryBytes);

const cpusText = ({ cpus }: Pick<LimitValues, 'cpus'>): string =>
  cpus === undefined ? 'none' : `${Number(cpus.toFixed(3))} CPUs`;
