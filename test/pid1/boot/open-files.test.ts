import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

const running = async () => (await container.table()).split(' up ').length - 1;

describe('under a limit of open files that is too low to capture all output', () => {
  test.each([
    [256, 50],
    [64, 12],
  ])(
    'of %i, all of %i services run, output that cannot be captured is passed on, and a warning says so',
    async (limit, count) => {
      const names = Array.from({ length: count }, (_, index) => `s${index}`);
      const run = '#!/bin/sh\necho "$(basename "$PWD") speaks"\nexec sleep 1000\n';
      container = await TestContainer.boot({
        services: Object.fromEntries(names.map((name) => [name, { run }])),
        prepare: `ulimit -Sn ${limit}; ulimit -Hn ${limit}`,
      });
      await waitFor('all services', async () => (await running()) === count);
      for (const name of names) await waitFor(`a word of ${name}`, () => container.log().includes(`${name} speaks`));
      expect(container.log().match(/limit of open files is too low/g)).toHaveLength(1);

      const before = container.controllerPid;
      process.kill(before, 'SIGKILL');
      await waitFor('the next controller', async () => (await running()) === count);
      expect(container.controllerPid).not.toBe(before);
    },
  );
});
