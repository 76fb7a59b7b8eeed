import { describe, expect, test } from '@jest/globals';
import { boot, container } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

const NEVER_AGAIN = 'restart_delay: { initial: 1h, factor: 1, max: 1h, reset_after: 1h }';

/** Each service has come to the end that its policy decides. Ordered by lines. */
const SERVICES = `services:
  limit:
    command: exit 3
    restart_delay: { initial: 10ms, factor: 1, reset_after: 1h }
    start_limit: { attempts: 3, within: 1h }
  rule:
    command: exit 3
    exit_rules:
      - { codes: [4], action: complete }
      - { codes: [3], action: fail }
  done:
    command: exit 4
    exit_rules: [{ codes: [4], action: complete }]
  once:
    command: exit 7
    restart: no
    optional: true
  slow:
    command: sleep 1000
    ready: { file: /nowhere }
    start_timeout: 300ms
    ${NEVER_AGAIN}
  leak:
    command: [python3, -c, "kept = bytearray(90 << 20); import time; time.sleep(1000)"]
    memory_max: 64m
    ${NEVER_AGAIN}
  dead:
    command: sleep 1000
    live: { file: /nowhere, interval: 100ms, failures: 2 }
    essential: true
  hangs:
    command: [python3, -c, "import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET']); time.sleep(1000)"]
    ready: { notify: true }
    environment: { WATCHDOG_USEC: 200000 }
`;

/** The end of a service, and the sentences that name the rule behind it. */
const EXPLAINED: readonly (readonly [string, 'failed' | 'completed' | 'backoff', RegExp])[] = [
  ['limit', 'failed', /^ {2}Gave up after 3 failed starts: exited with code 3 .*\(start_limit, \S+:5\)\.$/m],
  ['rule', 'failed', /^ {2}Exited with code 3 and is not started again \(exit_rules, \S+:10\)\.$/m],
  ['done', 'completed', /^ {2}Completed \S+ ago \(exit_rules, \S+:13\)\.$/m],
  ['once', 'failed', /^ {2}Exited with code 7 and is not started again \(restart, \S+:16\)\.$/m],
  ['slow', 'backoff', /^ {2}Was not ready \d+ ms after its start.* \(start_timeout, \S+:21\)\.$/m],
  ['leak', 'backoff', /^ {2}Used \d+ MiB of memory, more than its memory_max of 64 MiB \(memory_max, \S+:25\)\.$/m],
];

describe('svctl explain names the rule that has decided', () => {
  const explained = async (name: string): Promise<string> => (await container.svctl('explain', name)).stdout;

  test('for every end by a policy', async () => {
    await boot(SERVICES);
    for (const [name, state, words] of EXPLAINED) {
      await container.reaches(name, state);
      expect(await explained(name)).toMatch(words);
    }
    expect(await explained('once')).toMatch(
      /^ {2}The readiness of the container does not wait for it \(optional, \S+:17\)\.$/m,
    );
    expect(await explained('leak')).toMatch(/^ {2}Ended too soon once; waiting for the next attempt\.$/m);
    expect((await explained('leak')).match(/64 MiB/g)).toHaveLength(1);
    for (const name of ['dead', 'hangs'])
      await waitFor(`${name} to be restarted`, async () => Number((await container.status(name)).restartsTotal) > 0);
    await waitFor('live to be named', async () =>
      / The last run was not alive: \/nowhere: does not exist \(live, \S+:29\): it (was|is being) ended\.$/m.test(
        await explained('dead'),
      ),
    );
    await waitFor('the watchdog to be named', async () =>
      / The last run was not alive: gave no sign of life for 0\.2 s \(WATCHDOG=1\): it (was|is being) ended\.$/m.test(
        await explained('hangs'),
      ),
    );
    expect(await explained('dead')).toMatch(
      /^ {2}When it has ended for good, the container shuts down \(essential, \S+:30\)\.$/m,
    );
    const { stdout } = await container.svctl('health', '-o', 'table');
    expect(stdout).toMatch(/^readiness .*\b(limit|slow|leak) is /m);
    expect(stdout).not.toMatch(/^readiness .*\bonce is /m);
  });
});
