import type { LogStatistics } from '../../src/types/logs.js';

/** Where nothing has been said. */
export const NO_LOGS: LogStatistics = { counts: () => [], followers: 0 };
