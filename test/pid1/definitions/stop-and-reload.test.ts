import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { boot, container, isThere, lines, out } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

/** A shell loop that reports when its traps are set, and that only a signal or a command ends. */
const LOOP = 'touch $OUT/ready; while ! test -e $OUT/end; do sleep 0.02; done';

describe('reload', () => {
  test('sends the signal of the definition', async () => {
    await boot(`services:
  web: { command: 'trap "echo USR2 >> $OUT/web" USR2; ${LOOP}', reload: USR2 }
`);
    await isThere('ready');
    expect(await container.svctl('reload', 'web')).toMatchObject({ code: 0 });
    await waitFor('the signal', () => lines('web').length > 0);
    expect(lines('web')).toEqual(['USR2']);
  });

  test('runs a command as the user of the service, with its environment and MAINPID', async () => {
    await boot(`services:
  web:
    command: '${LOOP}'
    user: nobody
    working_dir: /tmp
    environment: { COLOR: blue }
    reload: [sh, -c, 'echo "$(id -un) $PWD $COLOR $MAINPID" >> $OUT/web; echo is reloaded']
`);
    await isThere('ready');
    expect(await container.svctl('reload', 'web')).toMatchObject({ code: 0 });
    const { pid, run } = await container.status('web');
    expect(lines('web')).toEqual([`nobody /tmp blue ${pid}`]);
    expect(run).toBe(1);
    await waitFor('its output', async () => (await container.svctl('logs', 'web')).stdout.includes('is reloaded'));
  });

  test('fails with the reason if its command fails', async () => {
    await boot(`services:
  web: { command: '${LOOP}', reload: [sh, -c, 'exit 3'] }
  none: { command: sleep 1000, reload: [there-is-no-such-program] }
`);
    await container.reaches('none', 'up');
    const failed = await container.svctl('reload', 'web');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('web was not reloaded: sh exited with code 3');
    const none = await container.svctl('reload', 'none');
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('there-is-no-such-program: not found in PATH of the service');
  });
});

describe('stop_command', () => {
  test('runs instead of the first signal', async () => {
    await boot(`services:
  db:
    command: 'trap "echo TERM >> $OUT/db" TERM; ${LOOP}'
    stop_command: [sh, -c, 'echo "stop $MAINPID" >> $OUT/db; touch $OUT/end']
`);
    await isThere('ready');
    const { pid } = await container.status('db');
    expect((await container.svctl('stop', 'db')).code).toBe(0);
    expect(lines('db')).toEqual([`stop ${pid}`]);
    expect(await container.status('db')).toMatchObject({ lastExit: { code: 0 } });
  });

  test('is followed by the signal if it fails', async () => {
    await boot(`services:
  db:
    command: 'trap "echo INT >> $OUT/db; exit 0" INT; ${LOOP}'
    stop_signal: INT
    stop_command: [sh, -c, 'echo stop >> $OUT/db; exit 1']
`);
    await isThere('ready');
    expect((await container.svctl('stop', 'db')).code).toBe(0);
    expect(lines('db')).toEqual(['stop', 'INT']);
    expect(container.log()).toContain('db: stop_command exited with code 1; the signal is sent');
  });

  test('has the grace period: both are killed when that is over', async () => {
    await boot(`services:
  db:
    command: 'trap "" TERM; ${LOOP}'
    stop_command: [sleep, '1000']
    stop_grace_period: 300ms
`);
    await isThere('ready');
    expect((await container.svctl('stop', 'db')).code).toBe(0);
    expect(await container.status('db')).toMatchObject({ lastExit: { signal: 'KILL' } });
    expect((await container.exec('pgrep', '-x', 'sleep')).stdout.split('\n').filter(Boolean)).toEqual([]);
  });

  test('goes on without the controller, and is not run twice', async () => {
    await boot(`services:
  db:
    command: 'trap "echo TERM >> $OUT/db" TERM; ${LOOP}'
    stop_command: [sh, -c, 'echo stop >> $OUT/db; until test -e $OUT/go; do sleep 0.02; done; touch $OUT/end']
`);
    await isThere('ready');
    const stopped = container.svctl('stop', 'db');
    await waitFor('the command', () => lines('db').length > 0);
    const { controllerPid } = container;
    process.kill(controllerPid, 'SIGKILL');
    await waitFor('the next controller', async () => {
      await container.info();
      return (await container.controller()) !== controllerPid;
    });
    expect(await container.status('db')).toMatchObject({ state: 'SERVICE_STATE_STOPPING' });
    writeFileSync(join(out, 'go'), '');
    expect((await stopped).code).toBe(0);
    expect(lines('db')).toEqual(['stop']);
    expect(await container.status('db')).toMatchObject({ lastExit: { code: 0 } });
  });

  test('runs at a shutdown', async () => {
    await boot(`services:
  db:
    command: 'trap "" TERM; ${LOOP}'
    stop_command: [sh, -c, 'echo stop >> $OUT/db; touch $OUT/end']
`);
    await isThere('ready');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(lines('db')).toEqual(['stop']);
  });
});
