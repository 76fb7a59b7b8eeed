import type { LogSources } from '../../types/logs.js';
import type { LogReader } from './reader.js';

/**
 * Calls `found` once, when the current run of a service says a line that the pattern matches, or
 * has said one. Returns what ends the waiting. The reader is loaded when the first service needs
 * it.
 */
export function awaitLine(sources: LogSources, name: string, pattern: string, found: () => void): () => void {
  let reader: LogReader | undefined;
  let ended = false;
  const end = (): void => {
    ended = true;
    reader?.close();
  };
  const sink = {
    put: (): boolean => {
      if (!ended) {
        end();
        found();
      }
      return false;
    },
  };
  const read = (): void => {
    while (!ended && reader !== undefined) {
      const { kind } = reader.next(sink);
      if (kind === 'idle' || kind === 'end') return;
      if (kind === 'busy') {
        setImmediate(read);
        return;
      }
    }
  };
  void import('./reader.js').then(({ LogReader: Reader }) => {
    if (ended) return;
    try {
      reader = new Reader(sources, {
        selected: (source) => source === name,
        follow: true,
        run: 'current',
        grep: pattern,
      });
    } catch {
      // No line matches a pattern that cannot be read; the definition is where that is an error.
      return;
    }
    reader.subscribe(read);
    read();
  });
  return end;
}
