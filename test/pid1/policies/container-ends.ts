/** Rows that end the container: how the run ends, and the container's exit code. */
import { AT_ONCE } from './acts.js';

interface ContainerEnd {
  readonly command: string;
  readonly code: number;
  /** Quicker values than the document shows. */
  readonly instead?: Readonly<Record<string, string>>;
  readonly also?: Readonly<Record<string, string>>;
}

export const CONTAINER_ENDS: Readonly<Record<string, readonly ContainerEnd[]>> = {
  'systemd `StartLimitAction=exit`': [{ command: 'exit 3', code: 3, also: AT_ONCE }],
  'systemd `FailureAction=exit`, `SuccessAction=exit`': [{ command: 'kill -ABRT $$$$', code: 134 }],
  'supervisord an event listener that stops the container on `FATAL`': [{ command: 'exit 4', code: 4, also: AT_ONCE }],
  'Pebble `on-success: shutdown`, `on-failure: shutdown`': [
    { command: 'exit 0', code: 0 },
    { command: 'exit 5', code: 5 },
  ],
  'Pebble `on-check-failure: shutdown`': [
    {
      command: 'sleep 1000',
      code: 85,
      instead: { live: '{ file: /nowhere, interval: 100ms, on_failure: shutdown }' },
    },
  ],
  'process-compose `restart: exit_on_failure`': [{ command: 'exit 2', code: 2 }],
  'process-compose `exit_on_end: true`': [{ command: 'exit 0', code: 0 }],
};
