import { afterEach, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

interface Step {
  readonly kind: string;
  readonly name: string;
  readonly waitedFor: string;
  readonly wantedSeconds: number;
  readonly startedSeconds?: number;
  readonly endedSeconds?: number;
  readonly outcome: string;
  readonly critical: boolean;
}

let container: TestContainer;
afterEach(() => container.dispose());

const timeline = async (): Promise<{ readonly readySeconds?: number; readonly steps: readonly Step[] }> =>
  JSON.parse((await container.svctl('boot', '-o', 'json')).stdout);

const stepsByName = async () => new Map((await timeline()).steps.map((step) => [step.name, step]));

const isReady = () => waitFor('a ready container', async () => (await timeline()).readySeconds !== undefined);

/** Kills the controller and waits until the next one answers. */
async function killController(): Promise<void> {
  const before = container.controllerPid;
  process.kill(before, 'SIGKILL');
  await waitFor('the next controller', async () => (await container.info()).controllerRestarts === 1);
}

const SERVICES = `services:
  db: { command: sh -c "sleep 0.5; touch /run/db; exec sleep 1000", ready: { file: /run/db } }
  schema: { type: oneshot, command: sleep 0.2, depends_on: [db] }
  app: { command: sleep 1000, depends_on: [schema], ready: { delay: 100ms } }
  cron: { command: sleep 1000, ready: { delay: 10ms } }
  debug: { command: sleep 1000, enabled: false }
  broken: { command: /nothing/here, ready: { file: /none }, optional: true }
`;

const boot = async (services: string): Promise<void> => {
  container = await TestContainer.boot({
    etc: { 'my_init/services.yaml': services, 'my_init.d/10_first': sh('sleep 0.1') },
    args: ['--services', '/etc/my_init/services.yaml'],
  });
};

test('the timeline shows who waited for whom, and which chain made the container ready', async () => {
  await boot(SERVICES);
  await isReady();
  const steps = await stepsByName();
  expect([...steps.values()].filter(({ critical }) => critical).map(({ name }) => name)).toEqual([
    'controller',
    '/etc/my_init.d/10_first',
    'db',
    'schema',
    'app',
  ]);
  expect(steps.get('app')).toMatchObject({ waitedFor: 'schema', outcome: 'BOOT_OUTCOME_READY' });
  expect(steps.get('schema')).toMatchObject({ waitedFor: 'db', outcome: 'BOOT_OUTCOME_COMPLETED' });
  expect(steps.get('cron')).toMatchObject({ waitedFor: '', outcome: 'BOOT_OUTCOME_READY' });
  expect(steps.get('debug')).toMatchObject({ outcome: 'BOOT_OUTCOME_NOT_WANTED' });
  expect(steps.get('broken')).toMatchObject({ outcome: 'BOOT_OUTCOME_FAILED' });
  const [db, schema, app] = [steps.get('db'), steps.get('schema'), steps.get('app')];
  const moments = [
    db?.startedSeconds,
    db?.endedSeconds,
    schema?.startedSeconds,
    schema?.endedSeconds,
    app?.startedSeconds,
  ];
  expect(moments).toEqual(moments.toSorted((a, b) => Number(a) - Number(b)));
  expect((await timeline()).readySeconds).toBeGreaterThanOrEqual(Number(app?.endedSeconds));
});

test('the timeline outlives the controller, and restarts of the services', async () => {
  await boot(SERVICES);
  await isReady();
  const before = await timeline();
  await container.svctl('restart', 'db', 'app');
  await container.svctl('start', 'debug');
  await killController();
  await container.svctl('restart', 'cron');
  const after = await timeline();
  expect(after.steps).toEqual(before.steps);
  expect(after.readySeconds).toBe(before.readySeconds);
});

test('the timeline is complete although the controller is killed before the services are ready', async () => {
  await boot(
    'services: { db: { command: sleep 1000, ready: { file: /run/db } }, app: { command: sleep 1000, depends_on: [db] } }',
  );
  await container.reaches('app', 'waiting');
  const before = await stepsByName();
  await killController();
  const after = await stepsByName();
  expect(after.get('db')).toEqual(before.get('db'));
  expect(after.get('app')).toMatchObject({ waitedFor: 'db', outcome: 'BOOT_OUTCOME_PENDING', critical: true });
  await container.exec('touch', '/run/db');
  await isReady();
  const steps = await stepsByName();
  expect(steps.get('db')).toMatchObject({ startedSeconds: before.get('db')?.startedSeconds, critical: true });
  expect(steps.get('app')).toMatchObject({ waitedFor: 'db', outcome: 'BOOT_OUTCOME_READY', critical: true });
});

test('the timeline is shown in the terminal and as a picture', async () => {
  await boot(SERVICES);
  await isReady();
  const { stdout } = await container.svctl('boot');
  expect(stdout).toMatch(
    /^Booted [-\d]+ [:\d]+, ready after .+ s\.\n\n {3}STEP +WAITED +STARTED +ENDED +OUTCOME +0 … /,
  );
  expect(stdout).toMatch(/^\* {2}app +[\d.]+ m?s for schema +[\d.]+ m?s +[\d.]+ m?s {2}ready +░+█+$/m);
  expect(stdout).toMatch(/^Critical path: controller → \/etc\/my_init\.d\/10_first → db → schema → app$/m);
  const { stdout: picture } = await container.svctl('boot', '-o', 'svg');
  expect(picture).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  for (const name of ['db', 'schema', 'app', 'cron']) expect(picture).toContain(`<title>${name}: `);
});
