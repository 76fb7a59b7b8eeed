import { closeSync, writeSync } from 'node:fs';
import { native } from './native.js';

/**
 * An environment, byte for byte: names and values are Node's `latin1` strings, one character a
 * byte. Node's own `process.env` decodes to UTF-8 and loses what is not.
 */
export type Environment = ReadonlyMap<string, string>;

/** A value of an {@link Environment}, as readable text. */
export const toText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/**
 * Reads a block as in `/proc/PID/environ`: `NAME=VALUE`, each ended by NUL. Entries without a name
 * are dropped.
 */
export function parseEnvironment(block: Buffer): Environment {
  const environment = new Map<string, string>();
  for (const entry of block.toString('latin1').split('\0')) {
    const equals = entry.indexOf('=');
    if (equals > 0) environment.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return environment;
}

function environmentBlock(environment: Environment): Buffer {
  let block = '';
  for (const [name, value] of environment) block += `${name}=${value}\0`;
  return Buffer.from(block, 'latin1');
}

/** An environment in a memfd, as `launch -E` takes it. The caller closes it. */
export function environmentDescriptor(environment: Environment): number {
  const fd = native().memfd('environment');
  try {
    const block = environmentBlock(environment);
    for (let written = 0; written < block.length; )
      written += writeSync(fd, block, written, block.length - written, written);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
