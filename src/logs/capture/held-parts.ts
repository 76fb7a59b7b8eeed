/** The pipes and memory of sources, which init holds for the next controller. */

import { closeSync } from 'node:fs';
import { native } from '../../process/native.js';
import type { LogDependencies } from './log-dependencies.js';
import type { SourceRecord } from './source-record.js';

/**
 * Held names contain the name of the source, cut to this length: see MAX_NAME in
 * src/init/my_init.h.
 */
const HELD_NAME_LENGTH = 32;
const HELD_PIPE = /^log\.(?<id>\d+)\.(?<place>\d+)\.(?<name>.+)\.out\.r$/;

export type Pipe = readonly [read: number, write: number];

/** The pipes of a source: the service gets the write ends, and we read from the other ends. */
export interface Pipes {
  readonly stdout: Pipe;
  readonly stderr: Pipe;
}

export function closePipes({ stdout, stderr }: Pipes): void {
  // The read ends belong to their readers.
  for (const [, write] of [stdout, stderr]) closeSync(write);
}

type Holder = Pick<LogDependencies, 'held' | 'link'>;

/** The name under which init holds a part of a source. */
export const heldName = (source: { readonly id: number; readonly row: number; readonly name: string }, part: string) =>
  `log.${source.id}.${source.row}.${source.name.slice(0, HELD_NAME_LENGTH)}.${part}`;

/** The sources whose pipes init holds, whether they are on record or not. */
export function heldSources(
  held: LogDependencies['held'],
): readonly { readonly name: string; readonly record: SourceRecord }[] {
  return [...held.keys()].flatMap((key) => {
    const { id, place, name } = HELD_PIPE.exec(key)?.groups ?? {};
    return name === undefined ? [] : [{ name, record: { id: Number(id), place: Number(place), markers: [] } }];
  });
}

/**
 * A pipe that survives the controller: the pipe that init holds under these names, or a new one.
 */
export function heldPipe({ held, link }: Holder, nameOf: (end: 'r' | 'w') => string, isForLogger: boolean): Pipe {
  const [heldRead, heldWrite] = [held.get(nameOf('r')), held.get(nameOf('w'))];
  if (heldRead !== undefined && heldWrite !== undefined) return [heldRead, heldWrite];
  const [read, write] = native().pipe(isForLogger);
  link.hold(nameOf('r'), read);
  link.hold(nameOf('w'), write);
  return [read, write];
}

/**
 * A memfd that survives the controller: the memfd that init holds under this name, or a new one.
 */
export const memfd = ({ held, link }: Holder, name: string): number => held.get(name) ?? newMemfd(link, name);

/** A new memfd that init holds under this name. */
export function newMemfd(link: LogDependencies['link'], name: string): number {
  const fd = native().memfd('log');
  link.hold(name, fd);
  return fd;
}
