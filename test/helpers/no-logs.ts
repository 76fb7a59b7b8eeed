import type { LogStatistics } from '../../src/types/logs.js';

/** The statistics of logs without a line. */
export const NO_LOGS: LogStatistics = { counts: () => [], followers: 0 };
