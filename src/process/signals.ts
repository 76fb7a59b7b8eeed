import { constants } from 'node:os';

const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));
// Two names for one number: the common one.
NAMES.set(constants.signals.SIGABRT, 'SIGABRT');
NAMES.set(constants.signals.SIGIO, 'SIGIO');

/** `KILL` for 9; the number itself where it has no name. */
export const signalName = (signal: number): string => NAMES.get(signal)?.slice(3) ?? String(signal);

/** Reads `HUP`, `SIGHUP`, `hup` or `1`; undefined when there is no such signal. */
export function parseSignal(text: string): NodeJS.Signals | undefined {
  if (/^\d+$/.test(text)) return NAMES.get(Number(text));
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  return name in constants.signals ? (name as NodeJS.Signals) : undefined;
}

export const signalNumber = (signal: NodeJS.Signals): number => constants.signals[signal];
