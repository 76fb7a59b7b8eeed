import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere, wholeRun } from '../../helpers/whole-run.js';

const DIRECTORY = 'container_environment';
/** The main command waits until the service has written. */
const AFTER_THE_SERVICE = untilThere('/run/shown');

let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});

describe('the container’s environment', () => {
  test('reaches the next script, the services and the main command with the changes of a startup script', async () => {
    const show =
      'echo "ADDED=$ADDED CHANGED=$CHANGED GIVEN=$GIVEN REMOVED=$(printenv REMOVED || echo unset) HOME=$HOME"';
    const { lines } = await wholeRun({
      env: { GIVEN: 'by run', CHANGED: 'by run', REMOVED: 'by run', HOME: '/home/given' },
      etc: {
        [`${DIRECTORY}/GIVEN`]: 'by file\n',
        [`${DIRECTORY}/ADDED`]: 'by file\n',
        'my_init.d/10': sh(`cd /etc/${DIRECTORY}`, 'echo by script > CHANGED', 'echo by script > ADDED', 'rm REMOVED'),
        'my_init.d/20': sh(show),
      },
      services: { show: { run: sh(show, 'touch /run/shown', 'exec sleep 1000') } },
      args: ['sh', '-c', `${show}; ${AFTER_THE_SERVICE}`],
    });
    const expected = 'ADDED=by script CHANGED=by script GIVEN=by run REMOVED=unset HOME=/home/given';
    expect(lines.filter((line) => line === expected)).toHaveLength(3);
  });

  test('keeps all bytes of its values', async () => {
    const { log } = await wholeRun({
      etc: { [`${DIRECTORY}/EMPTY`]: '' },
      prepare: `printf 'a\\377=\\n\\302b\\n\\n' > /etc/${DIRECTORY}/RAW; export GIVEN="$(printf 'x\\376\\ny')"`,
      services: { show: { run: sh('printenv RAW | od -An -c', 'touch /run/shown', 'exec sleep 1000') } },
      args: ['sh', '-c', `printenv GIVEN | od -An -c; printenv EMPTY | wc -c; ${AFTER_THE_SERVICE}`],
    });
    expect(log).toContain('   a 377   =  \\n 302   b  \\n  \\n\n');
    expect(log).toContain('   x 376  \\n   y  \\n\n');
    expect(log).toMatch(/^1$/m);
  });

  test('may have a variable of 100 KB', async () => {
    const { log } = await wholeRun({
      etc: { [`${DIRECTORY}/BIG`]: 'x'.repeat(100_000) },
      args: ['sh', '-c', 'printenv BIG | wc -c'],
    });
    expect(log).toMatch(/^100001$/m);
  });

  test('variables of my_init can be files', async () => {
    const { log, code } = await wholeRun({
      etc: { [`${DIRECTORY}/MY_INIT_LOG_LEVEL`]: 'warn\n' },
      args: ['true'],
    });
    expect([log, code]).toEqual(['', 0]);
  });

  test('an invalid variable in a file ends the container with 78', async () => {
    const { log, code } = await wholeRun({
      etc: { [`${DIRECTORY}/KILL_PROCESS_TIMEOUT`]: '5 seconds\n' },
      args: ['true'],
    });
    expect(log).toContain('*** KILL_PROCESS_TIMEOUT: must be a number of seconds from 0 to 86400, not "5 seconds"');
    expect(code).toBe(78);
  });

  test('variables for a Node application do not affect my_init, and reach the application', async () => {
    const { log, code } = await wholeRun({
      env: { NODE_OPTIONS: '--no-such-option', LD_PRELOAD: '/no/such.so', MY_INIT_LINK: 'mine' },
      args: ['--skip-startup-files', 'sh', '-c', 'echo "$NODE_OPTIONS $MY_INIT_LINK"'],
    });
    expect(log).toMatch(/^--no-such-option mine$/m);
    expect(code).toBe(0);
  });

  test('dumps are made for startup scripts, and readable by nobody else', async () => {
    const { log } = await wholeRun({
      env: { SECRET: `it's` },
      etc: {
        [`${DIRECTORY}/X`]: '1\n',
        'my_init.d/10': sh(
          'umask',
          'stat -c "%a %U" /etc/container_environment.sh /etc/container_environment.json',
          'cat /etc/container_environment.sh /etc/container_environment.json',
        ),
      },
      args: ['true'],
    });
    expect(log).toContain('640 root\n640 root\n');
    expect(log).toContain(`export SECRET='it'"'"'s'\n`);
    expect(log).toContain(`"SECRET":"it's"`);
    expect(log).not.toContain('HOME');
  });
});

describe('the boot goes on', () => {
  test('without an environment directory', async () => {
    const { log, code } = await wholeRun({ args: ['--quiet', 'sh', '-c', '! ls /etc/container_environment* 2>&-'] });
    expect([log, code]).toEqual(['', 0]);
  });

  test('with a mounted Secret, odd names, unreadable and unsuitable files', async () => {
    const { log, code } = await wholeRun({
      etc: { [`${DIRECTORY}/GOOD`]: 'good' },
      prepare: `cd /etc/${DIRECTORY}; mkdir ..2026 dir; echo token > ..2026/TOKEN; ln -s ..2026 ..data; ln -s ..data/TOKEN TOKEN
        ln -s nowhere dangling; ln -s loop loop; mkfifo fifo; printf 'a\\0b' > NUL; cd /
        set -- env odd/name=1 'odd name=2' "$@"`,
      args: ['sh', '-c', 'echo $GOOD $TOKEN'],
    });
    expect(log).toMatch(/^good token$/m);
    expect(log).toContain('/dangling is left out: it cannot be read (ENOENT)');
    expect(log).toContain('/loop is left out: it cannot be read (ELOOP)');
    expect(log).toContain('/NUL is left out: no variable can have a NUL in its value');
    expect(log).toContain('the variable odd/name has no file');
    expect(log).not.toContain('fifo');
    expect(code).toBe(0);
  });

  test('with a read-only /etc: files are read, and the given environment still wins', async () => {
    const { log, code } = await wholeRun({
      etc: {
        [`${DIRECTORY}/FILE`]: 'by file\n',
        [`${DIRECTORY}/BOTH`]: 'by file\n',
        'my_init.d/10': sh('true'),
      },
      env: { BOTH: 'by run' },
      prepare: 'mount -o remount,ro /etc',
      args: ['sh', '-c', 'echo "$FILE, $BOTH, $HOME"'],
    });
    expect(log).toMatch(/^by file, by run, \/root$/m);
    expect(log.match(/read-only/g)).toHaveLength(1);
    expect(log).toContain('*** /etc/container_environment is on a read-only file system');
    expect(log).not.toContain('EROFS');
    expect(code).toBe(0);
  });

  test('with another user’s environment directory', async () => {
    const { log, code } = await wholeRun({
      uid: 1234,
      etc: { [`${DIRECTORY}/A`]: 'a' },
      prepare: `chmod 700 /etc/${DIRECTORY}`,
      args: ['sh', '-c', 'echo "$A/$HOME"'],
    });
    expect(log).toContain('*** /etc/container_environment cannot be read (EACCES): its variables are left out');
    expect(log).toMatch(/^\/\/root$/m);
    expect(code).toBe(0);
  });
});

describe('after the boot', () => {
  test('a restarted service has the environment that the startup scripts have left', async () => {
    container = await TestContainer.boot({
      etc: {
        [`${DIRECTORY}/A`]: 'at boot',
        'my_init.d/10': sh(`echo by script > /etc/${DIRECTORY}/A`),
      },
      services: { show: { run: sh('echo "A is $A"', 'exec sleep 1000') } },
    });
    const shown = () => container?.log().match(/^A is by script$/gm) ?? [];
    await waitFor('the first line', () => shown().length === 1);
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', async () => (await container?.svctl('restart', 'show'))?.code === 0);
    await waitFor('the second line', () => shown().length >= 2);
    expect(shown()).toHaveLength(2);
  });
});
