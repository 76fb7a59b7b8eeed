import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { MainCommand } from '../../../src/container/main-command.js';
import type { ExitStatus } from '../../../src/types/service.js';
import { FakeHost } from '../../helpers/fake-host.js';

const KILLED = { kind: 'signaled', signal: constants.signals.SIGKILL, coreDumped: false } as const;
const OOM = { limitBytes: 512 * 2 ** 20 };

test.each<readonly [ExitStatus, string]>([
  [{ kind: 'exited', code: 5 }, 'tool exited with status 5'],
  [KILLED, 'tool was killed by KILL'],
  [{ ...KILLED, signal: constants.signals.SIGSEGV, coreDumped: true }, 'tool was killed by SEGV (core dumped)'],
  [
    { ...KILLED, oom: OOM, peakBytes: 480 * 2 ** 20 },
    "tool was killed by the kernel: the container's memory limit of 512 MiB was reached; it used 480 MiB",
  ],
  [{ ...KILLED, oom: {} }, 'tool was killed by the kernel: there was no memory left'],
  [{ kind: 'lost' }, 'tool is gone and nobody can say how it ended'],
])('the end of the main command is logged with its reason: %j', async (status, message) => {
  const host = new FakeHost();
  const command = new MainCommand(host, ['tool', '--token=secret']);
  command.start(new Map());
  host.end(command.pid, status);
  expect(await command.end).toEqual({ status, message });
});
