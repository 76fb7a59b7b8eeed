import { describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const AS_ANOTHER = 'exec setpriv --reuid 54321 --clear-groups';

/**
 * Boots without the right to signal processes of other users, stops the container, and returns how
 * it ends.
 */
async function endOf(services: Record<string, { run: string }>, args: readonly string[]) {
  const container = await TestContainer.boot({
    unattended: true,
    withoutCapability: 'kill',
    services,
    args: ['--shutdown-timeout', '2', ...args],
  });
  try {
    await waitFor('the process of another user', () => container.log().includes('it runs'));
    await waitFor('its program', async () => /^sleep$/m.test((await container.exec('ps', '-e', '-o', 'comm=')).stdout));
    container.signal('SIGTERM');
    const code = await container.exit;
    return { code, log: container.log() };
  } finally {
    await container.dispose();
  }
}

describe('without the capability KILL', () => {
  test('a service of another user cannot be ended: the log says so, and has the code of the container', async () => {
    const { code, log } = await endOf({ web: { run: sh(`${AS_ANOTHER} sh -c "echo it runs; exec sleep 1000"`) } }, []);
    expect(log).toMatch(/SIGTERM could not be sent to process \d+ \(sleep\): .* my_init lacks the capability KILL/);
    expect(log).toMatch(/SIGKILL could not be sent to process \d+ \(sleep\): /);
    expect(code).toBe(84);
    expect(log).toMatch(/ending with exit code 84\n$/i);
    expect(log).not.toMatch(/exit code 0/);
  });

  test('a main command of another user cannot be ended either', async () => {
    const command = ['sh', '-c', `${AS_ANOTHER} sh -c "echo it runs; exec sleep 1000"`];
    const { code, log } = await endOf({}, command);
    expect(log).toMatch(/SIGTERM could not be sent to process \d+ \(sleep\): /);
    expect(log.match(/ending with exit code (\d+)\n/gi)?.at(-1)).toContain(`code ${code}`);
    expect(code).toBe(143);
  });
});
