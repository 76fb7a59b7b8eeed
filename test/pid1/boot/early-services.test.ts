import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

type Files = Readonly<Record<string, string>>;

let container: TestContainer;
afterEach(() => container.dispose());

/** A service that is ready some time after its start, and ends some time after its TERM. */
const slow = (name: string): Files => ({
  run: sh(
    `trap 'sleep 0.2; echo ${name} ends; exit' TERM`,
    `echo ${name} begins`,
    `(sleep 0.5; echo ${name} is ready; touch /run/${name}) &`,
    'while :; do sleep 1 & wait; done',
  ),
  check: sh(`test -e /run/${name}`),
});

/** A service that is ready when it has begun, and ends at once at its TERM. */
const quick = (name: string): Files => ({
  run: sh(
    `trap 'echo ${name} ends; exit' TERM`,
    `echo ${name} begins`,
    `touch /run/${name}`,
    'while :; do sleep 1 & wait; done',
  ),
  check: sh(`test -e /run/${name}`),
});

/** Boots services and makes links to some of them in the startup directory: entry → service. */
async function boot(
  services: Readonly<Record<string, Files>>,
  links: Files,
  args: readonly string[] = [],
): Promise<void> {
  const commands = Object.entries(links).map(([entry, name]) => `ln -s "$3/${name}" /etc/my_init.d/${entry}`);
  container = await TestContainer.boot({
    services,
    etc: { 'my_init.d/20': sh('echo script'), 'my_init.post_shutdown.d/10': sh('echo hook') },
    prepare: commands.join('\n'),
    unattended: true,
    args,
  });
}

const says = (text: string) => waitFor(`"${text}" in the log`, () => container.log().includes(text));
const said = () =>
  container
    .log()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('***'));

describe('a service that the startup directory has a link to', () => {
  test('is ready before the startup scripts after it and the other services, and stopped after them', async () => {
    await boot({ first: slow('first'), other: quick('other') }, { '10_first': 'first' });
    await says('other begins');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(said()).toEqual([
      'first begins',
      'first is ready',
      'script',
      'other begins',
      'other ends',
      'first ends',
      'hook',
    ]);
  });

  test('is supervised like every service', async () => {
    await boot({ first: quick('first'), other: quick('other') }, { '10_first': 'first' });
    await says('other begins');
    const { pid } = await container.reaches('first', 'up');
    await container.exec('kill', '-9', String(pid));
    await waitFor('another process', async () => ![0, pid].includes((await container.status('first')).pid));
  });

  test('gets its TERM although another service hangs; only that one is killed, and named', async () => {
    const stuck = { run: sh('trap "" TERM', 'echo stuck begins', 'while :; do sleep 1 & wait; done') };
    await boot({ db: quick('db'), stuck }, { '10_db': 'db' }, ['--shutdown-timeout', '3']);
    await says('stuck begins');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(84);
    expect(said()).toContain('db ends');
    expect(container.log()).toMatch(/\*\*\* Killing stuck: still running after \d\.\d s\./);
  });

  test('is stopped before services that were started before it', async () => {
    await boot({ a: quick('a'), b: quick('b') }, { '10_b': 'b', '11_a': 'a' });
    await says('a begins');
    await says('script');
    container.signal('SIGTERM');
    await container.exit;
    expect(said()).toEqual(['b begins', 'a begins', 'script', 'a ends', 'b ends', 'hook']);
  });

  test('has its logger from the start, and the logger reads to the end', async () => {
    const first = {
      ...quick('first'),
      check: sh('test -e /run/logged'),
      'log/run': sh('while read -r line; do echo "logged: $line"; touch /run/logged; done; echo logger ends'),
    };
    await boot({ first, other: quick('other') }, { '10_first': 'first' });
    await says('other begins');
    container.signal('SIGTERM');
    await container.exit;
    const lines = said();
    expect(lines.indexOf('logged: first begins')).toBeLessThan(lines.indexOf('script'));
    expect(lines.slice(-4)).toEqual(['other ends', 'logged: first ends', 'logger ends', 'hook']);
  });

  test('does not hold up the boot if it does not stay up', async () => {
    const first = { run: sh('exit 3'), 'service.yaml': 'ready: { delay: 60s }\n' };
    await boot({ first, other: quick('other') }, { '10_first': 'first' });
    await says('other begins');
    expect(container.log()).toContain('*** first is not ready; going on without it\n');
    await container.reaches('first', 'backoff');
  });

  test('is left alone if it is down', async () => {
    await boot({ first: { ...quick('first'), down: '' }, other: quick('other') }, { '10_first': 'first' });
    await says('other begins');
    expect(container.log()).not.toContain('first begins');
    expect(container.log()).not.toContain('not ready');
  });

  test('has to be in the service directory: links elsewhere are ignored', async () => {
    await boot({ other: quick('other') }, { '10_first': '../elsewhere' });
    await says('other begins');
    expect(said()).toEqual(['script', 'other begins']);
  });
});

describe('a service that the startup directory has a link to, with a definition', () => {
  /** A service that is ready when it has begun. */
  const begins = (name: string): string => {
    const command = `sh -c "trap 'echo ${name} ends; exit' TERM; echo ${name} begins; while :; do sleep 1 & wait; done"`;
    return `command: ${JSON.stringify(command)}, ready: { log: begins }`;
  };
  const SERVICES = `services:
  base: { ${begins('base')} }
  prepare: { type: oneshot, command: sh -c "sleep 0.2; echo prepared", depends_on: [base] }
  first: { ${begins('first')}, depends_on: [prepare, pool] }
  # Of "first" these are dependencies, too: replicas, and one that is not required.
  pool: { ${begins('pool')}, replicas: 1, depends_on: { prepare: {}, extra: { required: false } } }
  extra: { ${begins('extra')}, depends_on: [prepare] }
  aside: { ${begins('aside')} }
`;

  test('starts its dependencies; they all start before the other services and end after them', async () => {
    container = await TestContainer.boot({
      etc: {
        'my_init.d/20': sh('echo script'),
        'my_init.post_shutdown.d/10': sh('echo hook'),
        'my_init/services.yaml': SERVICES,
      },
      prepare: 'ln -s "$3/first" /etc/my_init.d/10_first',
      args: ['--services', '/etc/my_init/services.yaml'],
      unattended: true,
    });
    await says('aside begins');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(said()).toEqual([
      'base begins',
      'prepared',
      'extra begins',
      'pool begins',
      'first begins',
      'script',
      'aside begins',
      'aside ends',
      'first ends',
      'pool ends',
      'extra ends',
      'base ends',
      'hook',
    ]);
  });

  test('ends after the others also under a later controller', async () => {
    container = await TestContainer.boot({
      etc: { 'my_init.d/20': sh('echo script'), 'my_init/services.yaml': SERVICES },
      prepare: 'ln -s "$3/first" /etc/my_init.d/10_first',
      args: ['--services', '/etc/my_init/services.yaml'],
    });
    await says('aside begins');
    process.kill(container.controllerPid, 'SIGKILL');
    await says('services are not touched');
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(said().slice(-5)).toEqual(['aside ends', 'first ends', 'pool ends', 'extra ends', 'base ends']);
  });
});
