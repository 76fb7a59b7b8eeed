import { expect, test } from '@jest/globals';
import { boot, container } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

test('the log names at boot the service that a shutdown kills before its time is over; the next controller does not repeat it', async () => {
  await boot(`services:
  db: { command: sleep 1000, stop_grace_period: 55s }
  web: { command: sleep 1000, stop_grace_period: 5s }
`);
  await container.reaches('web', 'up');
  const words = '*** db may take 55s to stop, and a shutdown of 8s gives services 7s100ms (lengthen --shutdown-timeout';
  const told = (): number => container.log().split(words).length - 1;
  await waitFor('the warning', () => told() === 1);
  expect(container.log()).not.toContain('web may take');
  process.kill(container.controllerPid, 'SIGKILL');
  await waitFor('the next controller', () => container.log().includes('The controller was killed by KILL'));
  expect((await container.svctl('stop', 'web')).code).toBe(0);
  expect(told()).toBe(1);
});

test('a service has the time that it asks for if those that stop after it ask for little', async () => {
  const little = 'command: sleep 1000, stop_grace_period: 100ms';
  await boot(`services:
  a: { ${little} }
  b: { ${little}, depends_on: [a] }
  c: { ${little}, depends_on: [b] }
  d: { ${little}, depends_on: [c] }
  web:
    command: [sh, -c, 'trap "sleep 3; echo all is written; exit" TERM; sleep 1000 & wait']
    stop_grace_period: 6s
    depends_on: [d]
`);
  await container.reaches('web', 'up');
  await container.traps('web');
  container.signal('SIGTERM');
  await container.exit;
  expect(container.log()).toContain('all is written');
  expect(container.log()).not.toContain('web was killed');
});
