import type { Order } from '../model/order.js';
import type { App } from './app.js';
import { TextPrompt } from './prompt.js';
import type { KeyHelp } from './view.js';

export const ORDER_KEYS: readonly KeyHelp[] = [
  ['s', 'start'],
  ['t', 'stop'],
  ['r', 'restart'],
  ['R', 'reload'],
  ['x', 'signal'],
  ['h', 'hold'],
  ['H', 'release'],
  ['z', 'reset'],
];

/**
 * True for a key that gives an order; `confirm` is called with the order once its arguments are
 * typed.
 */
export function orderKey(app: App, key: string, confirm: (order: Order) => void): boolean {
  const verb = ORDER_KEYS.find(([letter]) => letter === key)?.[1] as Order['verb'] | undefined;
  switch (verb) {
    case undefined:
      return false;
    case 'signal':
      app.ask(new TextPrompt('signal (HUP, USR1, 15 …)', 'HUP', (signal) => confirm({ verb, signal })));
      return true;
    case 'hold':
      app.ask(
        new TextPrompt('hold for how long, and why (15m heap dump)', '15m', (text) => {
          const [time = '', ...reason] = text.trim().split(/\s+/);
          confirm({ verb, time, reason: reason.join(' ') });
        }),
      );
      return true;
    default:
      confirm({ verb });
      return true;
  }
}
