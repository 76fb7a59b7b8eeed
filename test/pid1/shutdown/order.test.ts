import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ContainerOptions, TestContainer } from '../../helpers/container.js';
import { type Changes, Installation } from '../../helpers/other-version.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere } from '../../helpers/whole-run.js';

const HANGS = { run: sh('trap "" TERM', 'echo hangs runs', 'while :; do sleep 1 & wait; done') };
const tidy = (name: string) => ({
  run: sh(
    `trap "echo ${name} was told; touch /run/told; exit 0" TERM`,
    `echo ${name} runs`,
    'while :; do sleep 1 & wait; done',
  ),
});
/** Shell words that wait until a {@link tidy} service was told. */
const UNTIL_TOLD = untilThere('/run/told');
/** KILL comes so late, also for a logger, that a service on a busy machine has ended before. */
const PATIENT: Changes = {
  'supervisor/stop-order.ts': [
    ['KILL_NOW_MS = 250;', 'KILL_NOW_MS = 5_000;'],
    ['LOGGER_END_MS = 1_000;', 'LOGGER_END_MS = 5_000;'],
  ],
  'container/shutdown/shutdown-stages.ts': [['2 * AFTER_KILL_MS', '20 * AFTER_KILL_MS']],
};

let container: TestContainer;
afterEach(() => container.dispose());

const says = (text: string) => waitFor(`"${text}" in the log`, () => container.log().includes(text));

async function endOf(options: ContainerOptions, ready: readonly string[], signals = 1) {
  container = await TestContainer.boot({ unattended: true, ...options });
  for (const text of ready) await says(text);
  for (let sent = 0; sent < signals; sent++) {
    if (sent > 0) await says('Shutting down');
    container.signal('SIGTERM');
  }
  const code = await container.exit;
  return { code, log: container.log() };
}

describe('a service that hangs', () => {
  let patient: Installation;
  beforeAll(async () => {
    patient = new Installation();
    await patient.installChanged(PATIENT);
  });
  afterAll(() => patient.dispose());

  async function expectTermForDb(signals: number, options: ContainerOptions = {}): Promise<void> {
    const { code, log } = await endOf(
      {
        services: { hangs: HANGS, db: tidy('db') },
        prepare: 'mkdir -p /etc/my_init.d; ln -s "$3/db" /etc/my_init.d/10_db',
        args: ['--shutdown-timeout', '12'],
        ...options,
      },
      ['hangs runs', 'db runs'],
      signals,
    );
    expect(log).toContain('db was told');
    expect(log).toMatch(/\*\*\* Killing hangs: /);
    expect(log).not.toMatch(/Killing .*db/);
    expect(code).toBe(84);
  }

  test('does not keep TERM from any other service, within the time of the shutdown', () => expectTermForDb(1));

  test('does not keep TERM from any other service, when nobody waits any longer', () =>
    expectTermForDb(2, { installation: patient.directory }));

  test('does not keep its logger from its end', async () => {
    const logger = sh('trap "" TERM', 'cat > /dev/null', 'echo the logger saw the end >&2');
    const { log } = await endOf(
      {
        services: {
          hangs: {
            ...HANGS,
            'log/run': logger,
            run: sh('trap "" TERM', 'echo runs >&2', 'while :; do sleep 1 & wait; done'),
          },
        },
        args: ['--shutdown-timeout', '12'],
        installation: patient.directory,
      },
      ['runs'],
    );
    expect(log).toContain('the logger saw the end');
    expect(log).toMatch(/\*\*\* Killing hangs: still running after/);
  });
});

describe('the remaining time goes to whatever still works', () => {
  test('a hook that takes long is not cut short for services that need nothing', async () => {
    const { code, log } = await endOf(
      {
        services: { web: tidy('web') },
        etc: { 'my_init.pre_shutdown.d/10': sh(`${UNTIL_TOLD}; echo hook is done`) },
        args: ['--shutdown-timeout', '10'],
      },
      ['web runs'],
    );
    expect(log).toContain('hook is done');
    expect(log).toContain('web was told');
    expect(log).toMatch(/10 still runs after [67]\.\d s; the shutdown goes on beside it\./);
    expect(code).toBe(0);
  });

  test('a main command is not cut short either', async () => {
    const { code, log } = await endOf(
      {
        services: { web: tidy('web') },
        args: [
          '--shutdown-timeout',
          '10',
          'sh',
          '-c',
          `trap "${UNTIL_TOLD}; echo command is done; exit 3" TERM; echo set; while :; do sleep 1 & wait; done`,
        ],
      },
      ['web runs', 'set'],
    );
    expect(log).toContain('command is done');
    expect(code).toBe(3);
  });
});
