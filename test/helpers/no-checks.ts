import { HeldDescriptors } from '../../src/supervisor/checks/held-descriptors.js';
import type { ChecksContext } from '../../src/supervisor/checks/service-checks.js';

/** For services without checks: init holds nothing, no line comes. */
export const NO_CHECKS: ChecksContext = {
  descriptors: new HeldDescriptors({ hold: () => {}, release: () => {} }, new Map(), 1),
  initPid: 1,
  socketDirectory: () => '/nowhere',
  awaitLine: () => () => {},
};
