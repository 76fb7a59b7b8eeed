import { afterEach, describe, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

const processes = async (name: string) =>
  (await container.exec('sh', '-c', `ps -e -o args= | grep -c "^${name} " || true`)).stdout.trim();
const reapedTotal = async () => Number((await container.info()).zombiesReapedTotal);

describe('a service that becomes a daemon', () => {
  test('is reported, and its leftovers are killed before the next attempt', async () => {
    const daemonize = compile('scenarios/daemonize.c');
    container = await TestContainer.boot({ services: { old: { run: `#!/bin/sh\nexec ${daemonize} session\n` } } });
    const { trouble } = await container.reaches('old', 'backoff');
    expect(trouble).toMatch(/^exited with code 0 .*foreground/);
    expect(await processes('daemon')).toBe('0');
    await container.svctl('stop', 'old');
    expect(await container.status('old')).toMatchObject({ state: 'SERVICE_STATE_DOWN' });
    expect(await processes('daemon')).toBe('0');
  });

  test('into a session of its own is beyond reach, but reaped when it ends', async () => {
    const daemonize = compile('scenarios/daemonize.c');
    container = await TestContainer.boot({
      services: { old: { run: `#!/bin/sh\nexec ${daemonize} escape\n`, down: '' } },
    });
    await container.svctl('start', 'old', '--no-wait');
    await container.reaches('old', 'backoff');
    await container.svctl('stop', 'old');
    expect(Number(await processes('escaped'))).toBeGreaterThan(0);
    const before = await reapedTotal();
    await container.exec('sh', '-c', 'kill $(ps -e -o pid=,args= | sed -n "s/^ *\\([0-9]*\\) escaped .*/\\1/p")');
    await waitFor('the daemons to be reaped', async () => (await processes('escaped')) === '0');
    await waitFor('them to be counted', async () => (await reapedTotal()) > before);
    await container.hasNoZombie();
  });

  test('through setsid, which forks, is reported with the remedy', async () => {
    container = await TestContainer.boot({ services: { old: { run: '#!/bin/sh\nexec setsid sleep 1234\n' } } });
    const { trouble } = await container.reaches('old', 'backoff');
    expect(trouble).toMatch(
      /^exited with code 0 after [\d.]+ m?s \(it has to stay in the foreground, without becoming a daemon and without setsid, which forks; svctl ps shows whether it left a process in another session, which is not stopped with it\)$/,
    );
    await container.svctl('stop', 'old');
    expect((await container.svctl('ps')).stdout).toContain('sleep');
  });

  test('leftovers of a service are gone when its stop is done', async () => {
    const run = '#!/bin/sh\nsleep 1001 &\n(sleep 1002 &)\nexec sleep 1003\n';
    container = await TestContainer.boot({ services: { leaves: { run } } });
    await container.reaches('leaves', 'up');
    await container.svctl('stop', 'leaves');
    expect((await container.exec('pgrep', '-x', 'sleep')).stdout).toBe('');
  });
});
