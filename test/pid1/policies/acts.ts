/** Rows about more than the end of a run: a service, and what is expected of it. */
import { expect } from '@jest/globals';
import { type Service, ServiceState } from '../../../clients/typescript/src/index.js';
import { waitFor } from '../../helpers/wait-for.js';

/** A scenario's view of its service, and its means to act on it. */
export interface Stage {
  readonly name: string;
  /** Resolves with the service, once this holds. */
  until(holds: (service: Service) => boolean): Promise<Service>;
  /** Resolves with the lines that the service has written, once there are this many. */
  lines(count: number): Promise<readonly string[]>;
  /** Resolves once this file of the service exists. */
  isThere(file: string): Promise<unknown>;
  touch(file: string): void;
  remove(file: string): void;
  /** The output of svctl, which has to succeed. */
  svctl(...args: readonly string[]): Promise<string>;
}

type Keys = Readonly<Record<string, string>>;

/**
 * `$N` stands for a file of the service. `instead`: quicker values for the same keys than the
 * document shows.
 */
export type Scenario = { readonly act: (stage: Stage) => Promise<void> } & (
  | { readonly command: string; readonly instead?: Keys; readonly also?: Keys }
  | { readonly files: Keys }
);

/** `reset_after`: on a busy machine a run that fails may last more than the usual 10 s. */
export const AT_ONCE = { restart_delay: '{ initial: 10ms, factor: 1, reset_after: 10m }' };
const WAITS = 'while :; do sleep 1 & wait; done';
const FAILS = 'echo run >> $N; exit 3';
const obeys = (...signals: readonly string[]): string =>
  `${signals.map((signal) => `trap "echo ${signal} >> $N; exit 0" ${signal}; `).join('')}touch $N.trapped; ${WAITS}`;
const deafTo = (signal: string): string => `trap "echo ${signal} >> $N" ${signal}; touch $N.trapped; ${WAITS}`;

const givesUpAfter = (attempts: number, keys: { readonly instead?: Keys; readonly also?: Keys }): Scenario => ({
  command: FAILS,
  ...keys,
  act: async ({ until, lines }) => {
    const { trouble, run } = await until(({ state }) => state === ServiceState.SERVICE_STATE_FAILED);
    expect(trouble).toContain(`gave up after ${attempts} failed starts: exited with code 3`);
    expect([run, (await lines(attempts)).length]).toEqual([attempts, attempts]);
  },
});

const delays: Scenario = {
  command: 'date +%s%3N >> $N; exit 3',
  instead: { restart_delay: '{ initial: 100ms, factor: 2, max: 200ms, jitter: 0 }' },
  act: async ({ lines }) => {
    const times = (await lines(4)).map(Number);
    for (const [index, delayMs] of [100, 200, 200].entries())
      expect((times[index + 1] ?? 0) - (times[index] ?? 0)).toBeGreaterThanOrEqual(delayMs);
  },
};

const stop = async ({ name, isThere, svctl, until }: Stage): Promise<Service> => {
  await isThere('trapped');
  await svctl('stop', name);
  return until(({ state }) => state === ServiceState.SERVICE_STATE_DOWN);
};

const endsBy = async (stage: Stage, signal: string): Promise<void> => {
  await stop(stage);
  expect(await stage.lines(1)).toEqual([signal]);
};

/** A stop sends this signal, and the service is killed when the time is over. */
const isKilledAfter = async (stage: Stage, signal: string): Promise<void> => {
  expect((await stop(stage)).lastExit).toMatchObject({ signal: 'KILL' });
  expect(await stage.lines(1)).toEqual([signal]);
};

const stopsBy = (signal: string): Scenario => ({ command: obeys(signal), act: (stage) => endsBy(stage, signal) });

const killsAfter = (signal: string): Scenario => ({
  command: deafTo(signal),
  instead: { stop_grace_period: '2s' },
  act: (stage) => isKilledAfter(stage, signal),
});

const stopsByCommand: Scenario = { command: obeys('INT', 'TERM'), act: (stage) => endsBy(stage, 'INT') };

/** The `live` check of the service fails. A run is ready only when it has made its file. */
const hangs = (onFailure: 'restart' | 'none'): Scenario => ({
  command: `echo run >> $N; touch $N.alive; echo begun; ${WAITS}`,
  instead: { live: `{ exec: [test, -e, "$N.alive"], interval: 100ms, failures: 1, on_failure: ${onFailure} }` },
  also: { ready: '{ log: begun }' },
  act: async ({ name, lines, remove, until, svctl }) => {
    await until(({ ready }) => ready);
    remove('alive');
    if (onFailure === 'restart') {
      await lines(2);
      const { cause } = await until(({ run, pid }) => run === 2 && pid !== 0);
      expect(cause?.message).toContain('exit code 1');
      return;
    }
    // The failure is logged, and nothing follows.
    await waitFor('a word in the log', async () => (await svctl('logs', 'my_init')).includes(`${name}: is not alive`));
    expect(await until(({ ready }) => ready)).toMatchObject({ run: 1 });
  },
});

const isNeverReady: Scenario = {
  command: `echo run >> $N; ${WAITS}`,
  instead: { start_timeout: '200ms' },
  also: { ready: '{ file: /nowhere }', ...AT_ONCE },
  act: async ({ lines }) => {
    await lines(2);
  },
};

const replicas: Scenario = {
  command: 'echo $$MY_INIT_REPLICA >> $N; exec sleep 1000',
  act: async ({ lines }) => {
    expect([...(await lines(2))].sort()).toEqual(['1', '2']);
  },
};

/** The second run stays. */
const TWICE = 'test -e $N.before && exec sleep 1000; touch $N.before';

export const ACTS: Readonly<Record<string, readonly Scenario[]>> = {
  'systemd `Restart=on-watchdog`': [hangs('restart')],
  'systemd `RestartSec=5s`, `RestartSteps=`, `RestartMaxDelaySec=1m`': [delays],
  'systemd `StartLimitBurst=5`, `StartLimitIntervalSec=1m`': [givesUpAfter(5, { also: AT_ONCE })],
  'systemd `TimeoutStartSec=90s`': [isNeverReady],
  'systemd `TimeoutStopSec=20s`': [killsAfter('TERM')],
  'systemd `KillSignal=QUIT`, `FinalKillSignal=KILL`': [stopsBy('QUIT')],
  'systemd `ExecStop=`, `ExecReload=`': [
    {
      command: `trap "echo USR1 >> $N" USR1; ${obeys('INT', 'TERM')}`,
      act: async (stage) => {
        await stage.isThere('trapped');
        await stage.svctl('reload', stage.name);
        expect(await stage.lines(1)).toEqual(['USR1']);
        await stop(stage);
        expect(await stage.lines(2)).toEqual(['USR1', 'INT']);
      },
    },
  ],
  'systemd `web@1.service`, `web@2.service` of a template': [replicas],
  'systemd `systemd-run --unit=try`': [
    {
      command: 'sleep 1000',
      act: async ({ svctl }) => {
        expect(await svctl('run', '--name', 'try', '--', 'sleep', '1000')).toMatch(/^try started: pid /);
        expect(await svctl('stop', 'try')).toMatch(/^try stopped: pid /);
      },
    },
  ],
  'supervisord `startsecs=10`': [
    {
      command: 'echo run >> $N; test $$(wc -l < $N) -gt 3 && exec sleep 1000; sleep 0.5; exit 3',
      instead: { restart_delay: '{ reset_after: 300ms }', ready: '{ delay: 300ms }' },
      also: { start_limit: '{ attempts: 2, within: 1m }' },
      act: async ({ until }) => {
        const service = await until(({ run, ready }) => run === 4 && ready);
        expect(service.consecutiveFailures).toBe(0);
      },
    },
  ],
  'supervisord `startretries=3`': [givesUpAfter(4, { also: AT_ONCE })],
  'supervisord `stopsignal=QUIT`, `stopwaitsecs=30`': [stopsBy('QUIT'), killsAfter('QUIT')],
  'supervisord `numprocs=2`, `process_num`': [replicas],
  'supervisord `stopasgroup=true`, `killasgroup=true`': [
    {
      command: `(${deafTo('TERM')}) & echo $$! > $N.child; exec sleep 1000`,
      also: { stop_grace_period: '2s' },
      act: async (stage) => {
        await stage.isThere('child');
        await stop(stage);
        expect(await stage.lines(1)).toEqual(['TERM']);
        expect(await stage.svctl('ps')).not.toContain(stage.name);
      },
    },
  ],
  'Pebble `backoff-delay: 500ms`, `backoff-factor: 2`, `backoff-limit: 30s`': [delays],
  'Pebble `on-check-failure: restart`': [hangs('restart')],
  'Pebble `on-check-failure: ignore`': [hangs('none')],
  'Pebble `kill-delay: 5s`': [killsAfter('TERM')],
  's6 `finish` exits with 125': [
    {
      files: { run: 'echo run >> $N; exit 3', finish: 'exit 125' },
      act: async ({ until, lines }) => {
        const { trouble } = await until(({ state }) => state === ServiceState.SERVICE_STATE_FAILED);
        expect(trouble).toContain('its finish exited with 125');
        expect(await lines(1)).toEqual(['run']);
      },
    },
  ],
  's6 `timeout-kill`': [
    { files: { run: deafTo('TERM'), 'timeout-kill': '2000' }, act: (stage) => isKilledAfter(stage, 'TERM') },
    killsAfter('TERM'),
  ],
  's6 `timeout-finish`': [
    {
      files: { run: `echo run >> $N; ${TWICE}`, finish: 'exec sleep 1000', 'timeout-finish': '300' },
      act: async ({ lines }) => {
        await lines(2);
      },
    },
  ],
  's6 `down-signal`': [
    { files: { run: obeys('QUIT'), 'down-signal': 'SIGQUIT' }, act: (stage) => endsBy(stage, 'QUIT') },
    stopsBy('QUIT'),
  ],
  's6 `max-death-tally`': [givesUpAfter(5, { also: AT_ONCE })],
  'process-compose `backoff_seconds: 2`, `max_restarts: 5`': [givesUpAfter(6, { instead: AT_ONCE })],
  'process-compose `shutdown.command`, `timeout_seconds: 10`': [stopsByCommand],
  'process-compose `shutdown.signal: 3`': [stopsBy('QUIT')],
  'process-compose `liveness_probe`': [hangs('restart')],
  'Compose `restart: on-failure:3`': [givesUpAfter(4, { also: AT_ONCE })],
  'Compose `healthcheck`': [
    {
      command: 'exec sleep 1000',
      instead: { ready: '{ exec: [test, -e, "$N.healthy"], interval: 100ms, failures: 1 }' },
      act: async ({ until, touch, remove }) => {
        await until(({ ready, pid }) => !ready && pid !== 0);
        touch('healthy');
        await until(({ ready }) => ready);
        remove('healthy');
        expect(await until(({ ready }) => !ready)).toMatchObject({ run: 1 });
      },
    },
  ],
  'Compose `stop_signal: QUIT`, `stop_grace_period: 30s`': [stopsBy('QUIT'), killsAfter('QUIT')],
};
