import type { Address } from '../../typescript/src/index.js';
import { dial, HANDSHAKE_MS } from './dial.js';
import type { Gate } from './gate.js';
import { nameOf, type Single } from './target.js';

/** A lost link is reported only after this time. */
const PATIENCE_MS = 5_000;

interface Options {
  /** How many tools may be under way to their svctl at once. */
  readonly gate: Gate;
  readonly timeoutMs: number | undefined;
  /** Tells a person that a link stays lost, and that it is back. */
  readonly note: (text: string) => void;
}

/** The way to a my_init at another place, dialled again whenever its link is cut. */
export function addressOf(target: Single, { gate, timeoutMs, note }: Options): Address {
  const name = nameOf(target);
  const handshakeMs = Math.min(timeoutMs ?? HANDSHAKE_MS, HANDSHAKE_MS);
  let connected = false;
  let lostMs: number | undefined;
  let noted = false;
  return {
    name,
    open: async (signal) => {
      try {
        const link = await gate.through(() => dial(target, handshakeMs, signal));
        if (noted) note(`${name} is back`);
        connected = true;
        noted = false;
        lostMs = undefined;
        return link;
      } catch (error) {
        if (signal?.aborted) throw error;
        const now = performance.now();
        lostMs ??= now;
        if (connected && !noted && now - lostMs >= PATIENCE_MS && error instanceof Error) {
          noted = true;
          note(`lost the link, reconnecting: ${error.message}`);
        }
        throw error;
      }
    },
  };
}
