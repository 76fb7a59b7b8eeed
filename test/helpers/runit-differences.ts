/** A command of sv(8) to a service in a situation, or an event that happens to it. */
export interface Moment {
  readonly situation: string;
  readonly command: string;
}

/** The answer of sv, and the final state of everything. */
export interface Outcome {
  readonly says: string;
  readonly ends: string;
}

/** An intended difference from runit. `title` is that of its row in docs/migrate-from-runit.md. */
interface Difference {
  readonly title: string;
  applies(moment: Moment, runit: Outcome): boolean;
  /** The outcome of my_init for this outcome of runit. */
  translate(runit: Outcome): Outcome;
}

const isOf = (command: string, ...commands: readonly string[]): boolean =>
  commands.includes(command.replace('-v ', ''));
const endsIn = (change: (ends: string) => string) => (runit: Outcome) => ({ ...runit, ends: change(runit.ends) });

/** Sends `k` when something has not ended in time. */
const KILLING = ['kill', 'force-stop', 'force-reload', 'force-restart', 'force-shutdown'];

/**
 * All differences that show when nothing moves. Differences in time alone (back-off, scan) are only
 * in the document.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    title: 'There is nothing to pause',
    applies: ({ situation, command }, { ends }) =>
      ends.startsWith('down, paused') || (/^(down|finishing)/.test(situation) && isOf(command, 'pause')),
    translate: ({ says, ends }) => ({
      says: says.replace(/^ok: (.*), paused(.*) \(0\)$/, 'timeout: $1$2 (1)'),
      ends: ends.replaceAll(', paused', '').replace('paused=1', 'paused=0'),
    }),
  },
  {
    title: 'A paused service that is told to stop',
    applies: ({ situation, command }) =>
      situation === 'stubborn-paused' &&
      isOf(command, 'down', 'stop', 'exit', 'shutdown', 'force-stop', 'force-shutdown'),
    translate: ({ says, ends }) => ({
      says: says.replace(', paused', ''),
      ends: ends.replace(', paused', '').replace('paused=1', 'paused=0'),
    }),
  },
  {
    title: '`finish` runs once',
    applies: ({ situation, command }) => situation.startsWith('finishing') && isOf(command, ...KILLING),
    translate: endsIn((ends) => ends.replace('./finish 0 0 ./finish 0 0', './finish 0 0')),
  },
  {
    title: '`finish` runs after `exit`, too',
    applies: ({ situation, command }, { says, ends }) =>
      // An order to stop revokes the order to leave.
      (situation === 'leaving' &&
        isOf(command, ...KILLING) &&
        command !== 'force-restart' &&
        !ends.includes('./finish')) ||
      (isOf(command, 'force-shutdown') && says.startsWith('kill: run: ')),
    translate: endsIn((ends) => ends.replace(/( \.\/run)?$/, ' ./finish -1 9$1')),
  },
  {
    title: 'A service comes back after `exit` in two seconds',
    applies: ({ command }) => isOf(command, 'exit', 'shutdown', 'force-shutdown'),
    // runsvdir(8) was done before sv(8) looked.
    translate: ({ says, ends }) => ({
      says: says.replace(
        /^(?:timeout|kill): (?:down|run): (\S+): [^,]*(?:, normally down)? \(1\)$/,
        'ok: $1: runsv not running (0)',
      ),
      ends,
    }),
  },
];

/** The answer of sv(8) to an order that ends its supervisor. */
export const isAway = (says: string): boolean => /^ok: \S+: runsv not running \(0\)$/.test(says);

/**
 * Whether sv(8) has said the same. sv looks before or after its order is accepted, and then every
 * 0.42 s. Where several states satisfy sv, it says `ok` to any of them. A service that leaves is
 * away until it comes back, on both sides: on a busy machine sv looks before, meanwhile or after.
 */
export function isSameWord({ situation, command }: Moment, expected: string, received: string): boolean {
  const gaveAnOrder = !isOf(command, 'status', 'check');
  const mayBeAway = situation === 'leaving' && command === '-v kill';
  const isFulfilled = (says: string): boolean =>
    says.startsWith('ok: ') || (mayBeAway && /^fail: \S+: runsv not running \(1\)$/.test(says));
  const isBackAlready = isAway(expected) && /^(?:timeout|kill): down: /.test(received);
  return expected === received || isBackAlready || (gaveAnOrder && isFulfilled(expected) && isFulfilled(received));
}

/** The outcome that my_init must have where runit has this one. */
export const translate = (moment: Moment, runit: Outcome): Outcome =>
  DIFFERENCES.filter((difference) => difference.applies(moment, runit)).reduce(
    (outcome, difference) => difference.translate(outcome),
    runit,
  );
