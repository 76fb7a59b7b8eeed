import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { sh, wholeRun } from '../../helpers/whole-run.js';

/** The tests of init cover the whole range; these codes cover every path through the controller. */
const CODES = [0, 1, 2, 32, 64, 70, 77, 78, 84, 99, 100, 111, 126, 127, 128, 129, 137, 143, 200, 254, 255];
const SIGNALS = [
  ['HUP', 129],
  ['INT', 130],
  ['QUIT', 131],
  ['ILL', 132],
  ['ABRT', 134],
  ['KILL', 137],
  ['USR1', 138],
  ['SEGV', 139],
  ['PIPE', 141],
  ['ALRM', 142],
  ['TERM', 143],
] as const;

describe('the container’s exit code', () => {
  test.each(CODES)('is %i when the main command exits with it', async (code) => {
    expect((await wholeRun({ args: ['--skip-runit', 'sh', '-c', `exit ${code}`] })).code).toBe(code);
  });

  test.each(SIGNALS)('when the main command is killed by %s it is %i', async (signal, code) => {
    const result = await wholeRun({ args: ['--skip-runit', 'sh', '-c', `ulimit -c 0; kill -${signal} $$; sleep 5`] });
    expect(result.code).toBe(code);
    expect(result.log).toContain(`*** Shutting down: sh was killed by ${signal}.`);
  });

  test('is 1 when a startup script failed, whatever the exit code of the script', async () => {
    expect((await wholeRun({ etc: { 'my_init.d/10': sh('exit 42') } })).code).toBe(1);
  });

  test.each(['[:80', 'a/b:80'])('is 2 when --http-listen is %s, and nothing is started', async (address) => {
    const { code, log } = await wholeRun({
      etc: { 'my_init.d/10': sh('echo started') },
      args: ['--http-listen', address],
    });
    expect(code).toBe(2);
    expect(log).toContain('--http-listen: must be like :9180, 127.0.0.1:9180 or [::1]:9180, or none');
    expect(log).not.toContain('started');
  });

  test('is written, with the reason, to /dev/termination-log where that exists', async () => {
    const container = await TestContainer.boot({
      unattended: true,
      prepare: `dev=$(dirname "$3")/dev; mkdir $dev $dev.work; touch $dev/termination-log
        mount -t overlay overlay -o lowerdir=/dev,upperdir=$dev,workdir=$dev.work /dev`,
      args: ['sh', '-c', 'exit 3'],
    });
    await container.exit;
    const reason = readFileSync(join(container.directory, 'dev/termination-log'), 'utf8');
    await container.dispose();
    expect(reason).toBe('my_init: sh exited with status 3; exit code 3\n');
  });
});
