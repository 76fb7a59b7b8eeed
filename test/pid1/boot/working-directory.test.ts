import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sh, wholeRun } from '../../helpers/whole-run.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync('/tmp/my_init-workdir-');
});
afterAll(() => rmSync(directory, { recursive: true, maxRetries: 20 }));

describe('the directory that the container was started in', () => {
  test.each(['pid1', 'subreaper'] as const)('is that of the main command and the scripts alone (%s)', async (as) => {
    const { lines } = await wholeRun({
      as,
      prepare: `cd ${directory}`,
      etc: { 'my_init.d/10': sh('echo "script $PWD"'), 'my_init.post_shutdown.d/10': sh('echo "hook $PWD"') },
      args: ['sh', '-c', 'echo "command $PWD"; echo "init and controller" $(readlink /proc/$PPID/cwd)'],
    });
    expect(lines).toEqual(expect.arrayContaining([`script ${directory}`, `command ${directory}`, `hook ${directory}`]));
    expect(lines).toContain('init and controller /');
  });

  test('can be unmounted while the main command runs elsewhere, and be gone', async () => {
    const { code, log } = await wholeRun({
      prepare: `mount -t tmpfs tmpfs ${directory}; mkdir ${directory}/below; cd ${directory}/below`,
      etc: { 'my_init.post_shutdown.d/10': sh('echo "hook $PWD"') },
      args: ['sh', '-c', `cd / && umount ${directory} && echo unmounted`],
    });
    expect(log).toContain('unmounted\n');
    expect(log).toContain('hook /\n');
    expect(code).toBe(0);
  });
});
