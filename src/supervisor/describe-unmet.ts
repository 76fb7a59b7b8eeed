import type { Unmet } from '../types/service.js';

/** The remedy for conditions that will not be met by themselves; '' where time will do. */
export function describeUnmet(unmet: readonly Unmet[]): string {
  return unmet.flatMap(describe).join('; ');
}

function describe({ on, reason }: Unmet): readonly string[] {
  switch (reason) {
    case 'unknown':
      return [`needs ${on}, and there is no service of this name`];
    case 'not-wanted':
      return [`needs ${on}, which is down (svctl start ${on})`];
    case 'cycle':
      return [`needs ${on}, which needs it in turn`];
    case 'not-yet':
      return [];
    default:
      return reason satisfies never;
  }
}
