import { within } from '../../src/process/within.js';
import { type ContainerOptions, TestContainer } from './container.js';

/** Only a container that hangs takes this long. */
const LIMIT_MS = 300_000;

/** How a container's whole life went. */
export interface WholeRun {
  /** The exit code of my_init. */
  readonly code: number;
  /** Everything that was written to standard output and error. */
  readonly log: string;
  readonly lines: readonly string[];
}

/** Boots a container that ends by itself, and waits for its end. */
export async function wholeRun(options: ContainerOptions): Promise<WholeRun> {
  const container = await TestContainer.boot({ ...options, unattended: true });
  try {
    if (!(await within(container.exit, LIMIT_MS))) throw new Error(`my_init does not end:\n${container.log()}`);
    const code = await container.exit;
    const log = container.log();
    return { code, log, lines: log.trim().split('\n') };
  } finally {
    await container.dispose();
  }
}

/** Shell words that wait until a file is there. */
export const untilThere = (file: string): string => `until [ -e ${file} ]; do sleep 0.1; done`;

/** A script for `sh`. */
export const sh = (...lines: readonly string[]): string => `#!/bin/sh\n${lines.join('\n')}\n`;
