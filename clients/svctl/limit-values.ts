import type { LimitValues } from '../../src/text/limits.js';
import type { ContainerLimits } from '../typescript/src/index.js';

/** An older my_init does not know them. */
export const limitValues = (message: ContainerLimits | undefined): LimitValues => ({
  memoryBytes: Number(message?.memoryBytes ?? 0) || undefined,
  cpus: message?.cpus || undefined,
});
