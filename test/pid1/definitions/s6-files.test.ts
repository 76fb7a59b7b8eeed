import { expect, test } from '@jest/globals';
import { bootWith, container, isThere, lines, out } from '../../helpers/defined-services.js';
import { withCommand } from '../../helpers/s6-overlay.js';
import { waitFor } from '../../helpers/wait-for.js';

test('an s6-rc source tree runs as it is: type, up, dependencies.d, bundles, notification-fd', async () => {
  const notes = (what: string): string => `#!/bin/sh\necho ${what} >> $OUT/order\n`;
  await bootWith({
    services: {
      web: {
        type: 'longrun\n',
        run: `${notes('web')}exec sleep 1000\n`,
        'dependencies.d/backend': '',
        'dependencies.d/base': '',
      },
      backend: { type: 'bundle\n', 'contents.d/db': '', 'contents.d/migrate': '' },
      db: {
        type: 'longrun\n',
        run: `${notes('db')}echo >&3\nexec sleep 1000\n`,
        'notification-fd': '3\n',
        'timeout-kill': '300\n',
      },
      migrate: { type: 'oneshot\n', up: `/bin/sh -c "echo migrated >> ${out}/order"\n`, 'dependencies.d/db': '' },
    },
  });
  await container.reaches('web', 'up');
  await container.reaches('migrate', 'completed');
  await waitFor('three lines', () => lines('order').length === 3);
  expect(lines('order')).toEqual(['db', 'migrated', 'web']);
  expect((await container.svctl('status', 'backend')).code).toBe(4);
  expect((await container.svctl('config', 'db')).stdout).toMatch(/^stop_grace_period +"300ms"/m);
});

test('run scripts of s6-overlay work as they are: with-contenv and s6-setuidgid, in /command and in PATH', async () => {
  const line = '$(id -un) $OF_CONTAINER.$OF_SCRIPT $HOME $0';
  await bootWith({
    env: { OF_CONTAINER: 'given' },
    etc: { 'my_init.d/10_set': '#!/bin/sh\necho set > /etc/container_environment/OF_SCRIPT\n' },
    prepare: withCommand('mkdir -p /etc/container_environment'),
    services: {
      three: {
        run: `#!/command/with-contenv sh
exec 2>&1
exec s6-setuidgid nobody sh -c 'echo ${line} > $OUT/three; exec sleep 1000'
`,
      },
      two: {
        run: `#!/usr/bin/with-contenv bash
exec /command/s6-setuidgid 65534:65534 bash -c 'echo ${line} > $OUT/two; exec sleep 1000'
`,
      },
      mistaken: { run: `#!/command/with-contenv sh\nexec s6-setuidgid mallory sleep 1000\n` },
    },
  });
  for (const name of ['three', 'two']) await waitFor(name, () => lines(name).length === 1);
  expect(lines('three')).toEqual(['nobody given.set /root sh']);
  expect(lines('two')).toEqual(['nobody given.set /root bash']);
  await waitFor('a failure', () => container.log().includes('s6-setuidgid: user mallory not found'));
  await waitFor('its end', async () => (await container.status('mistaken')).lastExit !== undefined);
  expect(await container.status('mistaken')).toMatchObject({ lastExit: { code: 1 } });
});

test('timeout-kill: KILL comes when the time is over', async () => {
  await bootWith({
    services: {
      web: {
        run: `#!/bin/sh\ntrap '' TERM\ntouch $OUT/trapped\nwhile :; do sleep 1 & wait; done\n`,
        'timeout-kill': '100',
      },
    },
  });
  await isThere('trapped');
  expect((await container.svctl('stop', 'web')).code).toBe(0);
  expect(await container.table('web')).toMatch(/KILL/);
});

test('timeout-up: a service that is not ready in time is stopped; a oneshot that is not done in time has failed', async () => {
  await bootWith({
    services: {
      web: { run: '#!/bin/sh\nexec sleep 1000\n', 'notification-fd': '3', 'timeout-up': '300\n' },
      prepare: { type: 'oneshot', up: 'sleep 1000', 'timeout-up': '300' },
      endless: { type: 'oneshot', up: 'sleep 1000', 'timeout-up': '0' },
      wrong: { run: '#!/bin/sh\nexec sleep 1000\n', 'timeout-up': '1 s' },
    },
  });
  expect((await container.reaches('web', 'backoff')).trouble).toMatch(/^was not ready \d+ ms after its start/);
  expect((await container.reaches('prepare', 'failed')).trouble).toMatch(/^was not ready \d+ ms after its start/);
  expect((await container.svctl('config', 'web')).stdout).toMatch(/^start_timeout +"300ms"/m);
  expect((await container.status('endless')).state).toBe('SERVICE_STATE_STARTING');
  expect(await container.table('wrong')).toMatch(
    /wrong\/timeout-up: must have a whole number of at least 0, not "1 s"/,
  );
});

test('down-signal: the signal that stops the service', async () => {
  await bootWith({
    services: {
      web: {
        run: `#!/bin/sh\ntrap 'echo QUIT > $OUT/got; exit 0' QUIT\ntouch $OUT/trapped\nwhile :; do sleep 1 & wait; done\n`,
        'down-signal': 'SIGQUIT\n',
      },
      wrong: { run: '#!/bin/sh\nexec sleep 1000\n', 'down-signal': 'NONE' },
    },
  });
  await isThere('trapped');
  expect((await container.svctl('stop', 'web')).code).toBe(0);
  expect(lines('got')).toEqual(['QUIT']);
  expect(await container.table('wrong')).toMatch(/wrong\/down-signal: must have a signal like QUIT, not "NONE"/);
});

test('a file of s6 that is not supported yet is refused', async () => {
  await bootWith({
    services: {
      web: { run: '#!/bin/sh\nexec sleep 1000\n', 'max-death-tally': '5' },
      shout: { type: 'oneshot', up: 'if { true } echo hello' },
    },
  });
  await container.reaches('web', 'failed');
  expect(await container.table('web')).toMatch(/web\/max-death-tally: is not in this version of my_init \(remove it\)/);
  expect(await container.table('shout')).toMatch(/shout\/up: is a program of execline, which my_init does not read/);
});

test('reload-signal: the signal that svctl reload sends', async () => {
  await bootWith({
    services: {
      web: {
        run: `#!/bin/sh\ntrap 'echo reloaded > $OUT/reloaded' USR1\ntouch $OUT/trapped\nwhile :; do sleep 1 & wait; done\n`,
        'reload-signal': 'USR1\n',
      },
    },
  });
  await isThere('trapped');
  await container.svctl('reload', 'web');
  await isThere('reloaded');
});

test('flag-essential: a stop of all services skips the service, a stop by name does not', async () => {
  const run = '#!/bin/sh\nexec sleep 1000\n';
  await bootWith({ services: { db: { run, 'flag-essential': '' }, web: { run } } });
  await container.reaches('db', 'up');
  await container.reaches('web', 'up');
  await container.svctl('stop', '--all');
  await container.reaches('web', 'down');
  await container.reaches('db', 'up');
  await container.svctl('stop', 'db');
  await container.reaches('db', 'down');
});
