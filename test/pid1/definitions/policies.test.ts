import { describe, expect, test } from '@jest/globals';
import { boot, container, isThere, lines } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

describe('restart', () => {
  test('on-failure: a success completes the service, a failure is followed by another run', async () => {
    await boot(`services:
  done: { command: 'echo done >> $OUT/done; exit 0', restart: on-failure }
  fails: { command: 'echo fails >> $OUT/fails; exit 3', restart: on-failure }
`);
    expect(await container.reaches('done', 'completed')).toMatchObject({ run: 1, trouble: '' });
    await waitFor('another run', () => lines('fails').length > 1);
    expect(lines('done')).toEqual(['done']);
  });

  test('no: the service is not started again, and svctl start starts over', async () => {
    await boot(`services:
  fails: { command: 'echo fails >> $OUT/fails; exit 3', restart: no }
`);
    const failed = await container.reaches('fails', 'failed');
    expect(failed).toMatchObject({ run: 1, trouble: 'exited with code 3 and is not started again' });
    expect(failed.nextStartAt).toBeUndefined();
    await container.svctl('start', 'fails');
    await waitFor('another run', () => lines('fails').length === 2);
    expect(await container.reaches('fails', 'failed')).toMatchObject({ run: 2 });
  });

  test('a service that was given up stays given up under the next controller', async () => {
    await boot(`services:
  fails: { command: 'echo fails >> $OUT/fails; exit 3', restart: no }
  done: { command: 'echo done >> $OUT/done', type: oneshot }
`);
    await container.reaches('fails', 'failed');
    await container.reaches('done', 'completed');
    const { controllerPid } = container;
    process.kill(controllerPid, 'SIGKILL');
    await waitFor('the next controller', async () => {
      await container.info();
      return (await container.controller()) !== controllerPid;
    });
    expect(await container.status('fails')).toMatchObject({ state: 'SERVICE_STATE_FAILED', run: 1 });
    expect(await container.status('done')).toMatchObject({ state: 'SERVICE_STATE_COMPLETED', run: 1, ready: true });
    expect([lines('fails'), lines('done')]).toEqual([['fails'], ['done']]);
  });
});

test('success_exit_codes: codes and signals that are no failure', async () => {
  await boot(`services:
  code: { command: 'exit 7', restart: on-failure, success_exit_codes: [0, 7] }
  signal: { command: 'kill -TERM $$$$', restart: on-failure, success_exit_codes: [TERM] }
`);
  await container.reaches('code', 'completed');
  await container.reaches('signal', 'completed');
});

test('exit_rules: the first that matches decides', async () => {
  await boot(`services:
  fail: { command: 'exit 3', exit_rules: [{ codes: [3], action: fail }] }
  complete: { command: 'kill -USR1 $$$$', exit_rules: [{ signals: [USR1], action: complete }, { codes: [0], action: fail }] }
  again: { command: 'echo again >> $OUT/again; exit 4', restart: no, exit_rules: [{ codes: [4], action: restart }] }
`);
  await container.reaches('fail', 'failed');
  await container.reaches('complete', 'completed');
  await waitFor('another run', () => lines('again').length > 1);
});

test('exit_rules: a rule may end the container, with a code of its own', async () => {
  await boot(
    `services:
  steady: { command: sleep 1000 }
  fatal: { command: 'sleep 0.5; exit 3', exit_rules: [{ codes: [3], action: { shutdown: 42 } }] }
`,
    { unattended: true },
  );
  expect(await container.exit).toBe(42);
  expect(container.log()).toContain('fatal has failed: exited with code 3 and is not started again');
});

test('essential: the end of the service for good ends the container with its exit code', async () => {
  await boot(
    `services:
  steady: { command: sleep 1000 }
  job: { command: 'sleep 0.5; exit 5', essential: true, restart: no }
`,
    { unattended: true },
  );
  expect(await container.exit).toBe(5);
});

test('start_limit and restart_delay: after this many failed starts the service is given up, or the container ends', async () => {
  await boot(
    `services:
  fails:
    command: 'echo fails >> $OUT/fails; exit 3'
    restart_delay: { initial: 50ms, factor: 1, jitter: 0 }
    start_limit: { attempts: 3, within: 30s }
  fatal:
    enabled: false
    command: 'echo fatal >> $OUT/fatal; exit 4'
    restart_delay: { initial: 50ms, factor: 1 }
    start_limit: { attempts: 5, within: 60s, then: shutdown }
`,
    { unattended: true },
  );
  expect(await container.reaches('fails', 'failed')).toMatchObject({
    run: 3,
    trouble: expect.stringMatching(/^gave up after 3 failed starts: exited with code 3 after/),
  });
  await container.svctl('start', 'fatal', '--no-wait');
  expect(await container.exit).toBe(4);
  expect([lines('fails').length, lines('fatal').length]).toEqual([3, 5]);
});

test('optional: the readiness of the container does not wait for the service', async () => {
  await boot(`services:
  web: { command: sleep 1000 }
  extra: { command: 'exit 3', optional: true }
`);
  await container.reaches('extra', 'backoff');
  await container.reaches('web', 'up');
  await waitFor(
    'readiness',
    async () => (await container.svctl('health')).stdout.match(/^readiness +serving/m) !== null,
  );
});

test('stop_signal: signals in sequence, and stop_grace_period: KILL after it', async () => {
  await boot(`services:
  steps:
    command: 'trap "echo INT >> $OUT/steps" INT; trap "echo QUIT >> $OUT/steps; exit 0" QUIT; touch $OUT/ready; while :; do sleep 1 & wait; done'
    stop_signal: [{ signal: INT, wait: 300ms }, { signal: QUIT }]
  deaf:
    command: 'trap "" TERM; touch $OUT/deaf; while :; do sleep 1 & wait; done'
    stop_grace_period: 300ms
`);
  await isThere('ready');
  await isThere('deaf');
  const started = performance.now();
  expect((await container.svctl('stop', 'steps')).code).toBe(0);
  expect(performance.now() - started).toBeGreaterThan(290);
  // A shell that finds both signals at once runs the trap of the lower number first: INT.
  expect(lines('steps')).toEqual(['INT', 'QUIT']);
  expect((await container.svctl('stop', 'deaf')).code).toBe(0);
  expect(await container.status('deaf')).toMatchObject({ lastExit: { signal: 'KILL' } });
});
