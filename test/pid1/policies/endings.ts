/** How a run ends, and the consequence in each row of the tables. */

export const ENDINGS = {
  success: 'exit 0',
  two: 'exit 2',
  three: 'exit 3',
  four: 'exit 4',
  seven: 'exit 7',
  TERM: 'kill -TERM $$$$',
  USR1: 'kill -USR1 $$$$',
  ABRT: 'kill -ABRT $$$$',
  KILL: 'kill -KILL $$$$',
} as const;

export type Ending = keyof typeof ENDINGS;
export type Following = 'again' | 'completed' | 'failed';

const NEVER = { success: 'completed', three: 'failed', ABRT: 'failed' } as const;
const ON_FAILURE = { success: 'completed', three: 'again', ABRT: 'again' } as const;
const ALWAYS = { success: 'again', three: 'again', ABRT: 'again' } as const;
const ON_SIGNALS = { success: 'completed', three: 'failed', ABRT: 'again', KILL: 'again', TERM: 'failed' } as const;

export const FOLLOWING: Readonly<Record<string, Readonly<Partial<Record<Ending, Following>>>>> = {
  'systemd `Restart=no`': NEVER,
  'systemd `Restart=on-success`': { success: 'again', TERM: 'again', three: 'failed', ABRT: 'failed' },
  'systemd `Restart=on-failure`': { ...ON_FAILURE, TERM: 'completed' },
  'systemd `Restart=on-abnormal`': ON_SIGNALS,
  'systemd `Restart=on-watchdog`': NEVER,
  'systemd `Restart=on-abort`': ON_SIGNALS,
  'systemd `Restart=always`': ALWAYS,
  'systemd `RestartPreventExitStatus=3`': { three: 'failed', four: 'again', success: 'again' },
  'systemd `RestartForceExitStatus=4`': { four: 'again', three: 'failed' },
  'systemd `SuccessExitStatus=7 USR1`': { seven: 'completed', USR1: 'completed', success: 'completed', three: 'again' },
  'supervisord `autorestart=true`': ALWAYS,
  'supervisord `autorestart=false`': NEVER,
  'supervisord `autorestart=unexpected`, `exitcodes=0,2`': { success: 'completed', two: 'completed', three: 'again' },
  'Pebble `on-success: ignore`, `on-failure: ignore`': NEVER,
  'Pebble `on-success: ignore`, `on-failure: restart`': ON_FAILURE,
  'process-compose `restart: always`': ALWAYS,
  'process-compose `restart: on_failure`': ON_FAILURE,
  'process-compose `restart: no`': NEVER,
  'Compose `restart: always`, `unless-stopped`': ALWAYS,
  'Compose `restart: no`': NEVER,
};
