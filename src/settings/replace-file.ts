import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

/** Of a file that is made new. */
export interface NewFile {
  readonly mode: number;
  /** The group of the file, if the process may change it. */
  readonly groupId?: number;
}

/**
 * Writes beside and renames, so that a reader sees the old content or the new one. An existing file
 * keeps its mode and owner: somebody chose them. Throws the error of the system.
 */
export function replaceFile(path: Buffer, content: Buffer, fresh: NewFile): void {
  const target = resolveLink(path);
  const temporary = Buffer.concat([
    target.subarray(0, target.lastIndexOf('/') + 1),
    Buffer.from(`.my_init.${process.pid}.tmp`),
  ]);
  const existing = statSync(target, { throwIfNoEntry: false });
  // An earlier my_init of the same pid may have been killed just here.
  unlinkIfThere(temporary);
  try {
    writeWhole(temporary, content);
    const groupId = existing?.gid ?? fresh.groupId;
    if (groupId !== undefined) giveAway(temporary, existing?.uid ?? -1, groupId);
    chmodSync(temporary, existing === undefined ? fresh.mode : existing.mode & 0o7777);
    renameSync(temporary, target);
  } catch (error) {
    unlinkIfThere(temporary);
    throw error;
  }
}

function writeWhole(path: Buffer, content: Buffer): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
  } finally {
    closeSync(fd);
  }
}

/** Without the right to give files away it stays ours. */
function giveAway(path: Buffer, uid: number, gid: number): void {
  try {
    chownSync(path, uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

function resolveLink(path: Buffer): Buffer {
  try {
    return realpathSync(path, { encoding: 'buffer' });
  } catch {
    return path;
  }
}

function unlinkIfThere(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // The next step fails if the file is still there.
  }
}
