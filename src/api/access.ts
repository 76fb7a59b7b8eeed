import type { Socket } from 'node:net';
import { native, type PeerCredentials } from '../process/native.js';
import { descriptorOf } from '../process/node-handle.js';
import { ApiError } from './errors.js';

/** The rights of a client: everything, or only reading. */
export type Access = 'full' | 'read';

/** The process at the other end of a connection. */
export interface Peer {
  readonly access: Access;
  /** For causes and the log: `uid 0 (root), pid 312`. */
  readonly actor: string;
}

/**
 * The process that connected, as the kernel vouches for it (`SO_PEERCRED`, unix(7): as of the time
 * of connect(2)).
 * @param fullAccessGroupId members of this group may change things too
 * @throws Error of getsockopt(2), and when the connection is closed already
 */
export function peerOf(socket: Socket, fullAccessGroupId: number | undefined): Peer {
  const fd = descriptorOf(socket);
  if (fd === undefined) throw new Error('the connection is closed');
  const credentials = native().peerCredentials(fd);
  return { access: accessOf(credentials, fullAccessGroupId), actor: actorOf(credentials) };
}

/** @throws ApiError READ_ONLY_ACCESS */
export function requireFullAccess(access: Access, actor: string): void {
  if (access === 'full') return;
  const who = "root, my_init's own user and the members of the socket's group";
  throw new ApiError('READ_ONLY_ACCESS', `${actor} may read, not change anything: only ${who} may`, { actor });
}

function accessOf({ uid, gid, groups }: PeerCredentials, fullAccessGroupId: number | undefined): Access {
  if (uid === 0 || uid === process.getuid?.()) return 'full';
  if (fullAccessGroupId === undefined) return 'read';
  return gid === fullAccessGroupId || groups.includes(fullAccessGroupId) ? 'full' : 'read';
}

/** The pid in an actor: grpc-js tells handlers nothing else of the peer. */
export const pidOf = (actor: string): number => Number(/, pid (\d+)$/.exec(actor)?.[1] ?? 0);

/** A client in a PID namespace that is not below ours has no pid here: 0. */
function actorOf({ uid, pid }: PeerCredentials): string {
  const user = uid === 0 ? 'uid 0 (root)' : `uid ${uid}`;
  return pid === 0 ? user : `${user}, pid ${pid}`;
}
