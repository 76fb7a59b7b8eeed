import type { ServiceStatus, State } from '../types/service.js';

/** Without a process, and not for lack of a wish. */
const RESTING: ReadonlySet<State> = new Set(['waiting', 'backoff', 'failed', 'completed']);
/** The length of `supervise/status`. */
const BYTES = 20;
/**
 * The label of a second of TAI64, less the ten seconds that TAI was ahead of UTC in 1970: tai(3) of
 * libtai.
 */
const TAI64_OF_EPOCH = 2n ** 62n + 10n;
const STATE_WORDS = ['down', 'run', 'finish'] as const;

/** The content of `supervise/status`, `stat` and `pid` of a service: runsv(8). */
export interface StatusRecord {
  readonly state: 'down' | 'run' | 'finish';
  /** Of `run` or of `finish`; 0 when there is none. */
  readonly pid: number;
  readonly paused: boolean;
  readonly want: 'up' | 'down' | 'exit';
  readonly termed: boolean;
  /** When the run began or the service went down, in milliseconds since 1970. */
  readonly sinceMs: number;
}

/**
 * The next status record, given the previous one. The time is that of the wall clock when the
 * change was seen: sv(8) compares it with its own, and a converted one could be a moment too early.
 *
 * A service that rests is not wanted up: sv(8) sends no `u` to a service that is, and could not
 * start it.
 */
export function statusRecord(status: ServiceStatus, before: StatusRecord | undefined, nowMs: number): StatusRecord {
  const state = status.pid !== 0 ? 'run' : status.state === 'finishing' ? 'finish' : 'down';
  const pid = state === 'finish' ? status.finishPid : status.pid;
  const rests = RESTING.has(status.state);
  return {
    state,
    pid,
    paused: status.paused,
    want: status.releasing ? 'exit' : status.desired === 'up' && !rests ? 'up' : 'down',
    termed: status.termSent && state === 'run',
    sinceMs: before !== undefined && goesOn(before, state, pid) ? before.sinceMs : nowMs,
  };
}

/** `finish` counts from the start of its run. */
const goesOn = (before: StatusRecord, state: StatusRecord['state'], pid: number): boolean =>
  state === 'finish' || (state === before.state && (state === 'down' || pid === before.pid));

/** Whether a reader of the files would see no difference. */
export const isSame = (one: StatusRecord, other: StatusRecord | undefined): boolean =>
  other !== undefined && (Object.keys(one) as (keyof StatusRecord)[]).every((key) => one[key] === other[key]);

/** The 20 bytes: TAI64N, pid, paused, want, TERM, state. */
export function encodeStatus({ state, pid, paused, want, termed, sinceMs }: StatusRecord): Buffer {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeBigUInt64BE(TAI64_OF_EPOCH + BigInt(Math.floor(sinceMs / 1000)), 0);
  bytes.writeUInt32BE((sinceMs % 1000) * 1_000_000 + 500, 8);
  bytes.writeUInt32LE(pid, 12);
  bytes[16] = Number(paused);
  bytes[17] = (want === 'up' ? 'u' : 'd').charCodeAt(0);
  bytes[18] = Number(termed);
  bytes[19] = STATE_WORDS.indexOf(state);
  return bytes;
}

/** Reads what an earlier controller wrote; undefined for anything else. */
export function decodeStatus(bytes: Buffer): StatusRecord | undefined {
  const state = STATE_WORDS[bytes[19] ?? -1];
  if (bytes.length !== BYTES || state === undefined) return undefined;
  const seconds = Number(bytes.readBigUInt64BE(0) - TAI64_OF_EPOCH);
  return {
    state,
    pid: bytes.readUInt32LE(12),
    paused: bytes[16] === 1,
    want: bytes[17] === 'u'.charCodeAt(0) ? 'up' : 'down',
    termed: bytes[18] === 1,
    sinceMs: seconds * 1000 + Math.floor(bytes.readUInt32BE(8) / 1_000_000),
  };
}

/** The text of `supervise/stat`. */
export function describeStatus({ state, paused, want, termed }: StatusRecord): string {
  const words: string[] = [state];
  if (paused) words.push('paused');
  if (termed) words.push('got TERM');
  if (state !== 'down' && want !== 'up') words.push(`want ${want}`);
  return `${words.join(', ')}\n`;
}
