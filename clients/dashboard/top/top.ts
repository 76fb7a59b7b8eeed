import type { Address } from '../../typescript/src/index.js';
import { Host } from '../model/host.js';
import { App } from './app.js';
import { ServicesView } from './services-view.js';

export interface TopOptions {
  readonly colours: boolean;
  /** The services that are shown at first. */
  readonly filter: string;
}

/**
 * Shows the hosts on the terminal until a person leaves, or until a signal ends the process;
 * returns that signal.
 */
export async function top(
  addresses: readonly Address[],
  { colours, filter }: TopOptions,
): Promise<NodeJS.Signals | undefined> {
  let changed: () => void = () => undefined;
  const hosts = addresses.map((address) => new Host(address, () => changed()));
  const app = new App(hosts, colours);
  changed = () => app.changed();
  for (const host of hosts) void host.follow();
  try {
    return await app.run(new ServicesView(app, hosts, filter));
  } finally {
    for (const host of hosts) host.close();
  }
}
