import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

const says = (text: string) => waitFor(`"${text}" in the log`, () => container.log().includes(text));

describe('a stop signal from a base image', () => {
  test.each(['SIGWINCH', 'SIGUSR1', 'SIGALRM'] as const)(
    '%s stops nothing, and the log names the signals that do',
    async (signal) => {
      container = await TestContainer.boot();
      container.signal(signal);
      await says(`*** Received ${signal}, which does nothing here; TERM stops the container (STOPSIGNAL SIGTERM,`);
      expect((await container.svctl('info')).code).toBe(0);
      container.signal('SIGTERM');
      expect(await container.exit).toBe(0);
    },
  );

  test('SIGRTMIN+3, of images with systemd, causes an orderly shutdown', async () => {
    container = await TestContainer.boot();
    process.kill(container.pid, 37);
    expect(await container.exit).toBe(0);
    expect(container.log()).toContain('*** Shutting down: SIGPWR was received.');
  });
});
