/**
 * A container with services.yaml, and a directory that its services write to: each test has its
 * own.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { type ContainerOptions, TestContainer } from './container.js';
import { linesOf } from './lines-of.js';
import { waitFor } from './wait-for.js';

/** The container of the present test. */
export let container: TestContainer;
/** `$OUT` of the services. */
export let out: string;

beforeEach(() => {
  out = mkdtempSync('/tmp/my_init-out-');
  chmodSync(out, 0o777);
});
afterEach(async () => {
  await container.dispose();
  rmSync(out, { recursive: true });
});

/** Boots the services of this file. */
export const boot = (services: string, { env, etc, ...options }: ContainerOptions = {}): Promise<void> =>
  bootWith({ ...options, etc: { 'my_init/services.yaml': services, ...etc }, env });

/** Boots any container whose services know `$OUT`. */
export async function bootWith({ env, ...options }: ContainerOptions): Promise<void> {
  container = await TestContainer.boot({ ...options, env: { OUT: out, ...env } });
}

/** The lines that the services have written to a file. */
export const lines = (file: string): readonly string[] => linesOf(join(out, file));

export const isThere = (file: string): Promise<unknown> => waitFor(file, () => existsSync(join(out, file)));
