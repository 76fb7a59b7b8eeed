/** Names a run among all runs of all boots; '' before the first. */
export const runIdOf = (bootId: string, service: string, run: number): string =>
  run === 0 ? '' : `${bootId.slice(0, 8)}-${service}-${run}`;
