/** @needs python3 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { Docker } from '../../helpers/docker.js';
import { ScreenProgram } from '../../helpers/screen.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const SVCTL = fileURLToPath(new URL('../../../dist/svctl.js', import.meta.url));
/** Writes the lines of a file. */
const SAYS = { run: sh('while :; do [ -e say ] && cat say && rm say; sleep 0.05; done') };

let docker: Docker;
let containers: readonly TestContainer[];
let program: ScreenProgram;

beforeEach(async () => {
  docker = new Docker();
  containers = await Promise.all([0, 1].map(() => TestContainer.boot({ services: { web: SAYS } })));
  for (const [index, { socket }] of containers.entries()) docker.add(`box-${index}`, socket);
});
afterEach(async () => {
  program?.kill();
  await Promise.all(containers.map((container) => container.dispose()));
  docker.dispose();
});

async function top(...names: readonly string[]): Promise<ScreenProgram> {
  const hosts = names.flatMap((name) => ['-H', `docker://${name}`]);
  program = new ScreenProgram(24, 120, [SVCTL, ...hosts, 'top'], { PATH: docker.PATH });
  await program.shows(/web +up/);
  return program;
}

/** Has the service of a container write a line, and waits until it is in the log. */
async function say(index: number, line: string): Promise<void> {
  const container = containers[index];
  if (container === undefined) throw new RangeError(`there is no container ${index}`);
  const file = join(container.services, 'web/say');
  writeFileSync(`${file}.new`, `${line}\n`);
  renameSync(`${file}.new`, file);
  await waitFor(line, async () => (await container.svctl('logs', 'web')).stdout.includes(line));
}

/** The words on the screen in their order. */
const order = (words: readonly string[]): readonly string[] =>
  [...words].sort((a, b) => program.text.indexOf(a) - program.text.indexOf(b));

describe('svctl top of several hosts', () => {
  test('shows the services of all hosts, and gives an order to one of them', async () => {
    const screen = await top('box-0', 'box-1');
    await screen.shows(/docker:\/\/box-0 +web +up[\s\S]*docker:\/\/box-1 +web +up/);
    expect(screen.text).toMatch(/2 services +2 hosts\n +HOST +NAME/);
    screen.keys('/', ...'box-1', '\r', 't');
    await screen.shows('$ svctl -H docker://box-1 stop web');
    screen.keys('y');
    await screen.shows(/docker:\/\/box-1 +web +down/);
    expect((await containers[0]?.status('web'))?.state).toBe('SERVICE_STATE_UP');
  });

  test('shows the logs of all hosts as one, in the order of the times', async () => {
    const words = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];
    for (const [index, word] of words.slice(0, 4).entries()) await say(index % 2, word);
    const screen = await top('box-0', 'box-1');
    screen.keys('L');
    await screen.shows(/box-1 web fourth/);
    expect(screen.text).toMatch(/box-0 web first/);
    for (const [index, word] of words.slice(4).entries()) await say(index, word);
    await screen.shows(/box-1 web sixth/);
    expect(order(words)).toEqual(words);
  });

  test('says which host is lost, and goes on with the others', async () => {
    const screen = await top('box-0', 'box-1');
    await screen.shows(/box-1 +web +up/);
    docker.cut('box-1');
    await screen.shows(/1 of 2 hosts lost[\s\S]*cannot reach docker:\/\/box-1: .*paused/);
    await containers[0]?.svctl('stop', 'web');
    await screen.shows(/box-0 +web +down/);
  });
});

describe('a connection that is cut', () => {
  test('is shown with its reason, and made again', async () => {
    const screen = await top('box-0');
    docker.cut('box-0');
    await screen.shows(/connection lost\n[\s\S]*container box-0 is paused/);
    await containers[0]?.svctl('stop', 'web');
    docker.mend('box-0');
    await screen.shows(/web +down/);
    await waitFor('the words to go', () => !screen.text.includes('connection lost'));
  });

  test('ends no log: the lines that came meanwhile follow', async () => {
    const screen = await top('box-0');
    await say(0, 'before');
    screen.keys('l');
    await screen.shows(/^before/m);
    docker.cut('box-0');
    await screen.shows('connection lost');
    await say(0, 'meanwhile');
    docker.mend('box-0');
    await say(0, 'after');
    await screen.shows(/^before\nmeanwhile\nafter/m);
  });
});
