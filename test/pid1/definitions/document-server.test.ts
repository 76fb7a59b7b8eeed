import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { type ContainerOptions, TestContainer } from '../../helpers/container.js';
import { freePort } from '../../helpers/free-port.js';
import { testWith } from '../../helpers/programs.js';
import { waitFor } from '../../helpers/wait-for.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/compose-like', import.meta.url));
const POSTGRES = '/usr/lib/postgresql';
const NEEDED = [
  { program: POSTGRES, package: 'postgresql' },
  { program: 'redis-server', package: 'redis-server' },
  { program: '/usr/bin/python3', package: 'python3' },
];
const SERVICES = ['broker', 'database', 'database-files', 'migrate', 'scheduler', 'web', 'worker'];
/** Making a database takes seconds of CPU. */
const BOOT_MS = 60_000;

const FORMS: readonly (readonly [string, ContainerOptions])[] = [
  ['as one file', { etc: { 'my_init/services.yaml': readFileSync(join(EXAMPLE, 'services.yaml'), 'utf8') } }],
  [
    'as directories',
    {
      services: Object.fromEntries(
        SERVICES.map((name) => [
          name,
          { 'service.yaml': readFileSync(join(EXAMPLE, 'service', name, 'service.yaml'), 'utf8') },
        ]),
      ),
    },
  ],
];

let directory: string;
let container: TestContainer;
let webPort: number;
beforeEach(() => {
  directory = mkdtempSync('/tmp/my_init-documents-');
  chmodSync(directory, 0o755);
  cpSync(join(EXAMPLE, 'app'), join(directory, 'app'), { recursive: true });
  mkdirSync(join(directory, 'data'));
  chmodSync(join(directory, 'data'), 0o777);
});
afterEach(async () => {
  await container.dispose();
  rmSync(directory, { recursive: true, force: true, maxRetries: 20 });
});

async function boot(form: ContainerOptions): Promise<void> {
  webPort = await freePort();
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES).sort((a, b) => Number(a) - Number(b)) : [];
  container = await TestContainer.boot({
    ...form,
    args: ['--shutdown-timeout', '60'],
    env: {
      APP: join(directory, 'app'),
      DATA: join(directory, 'data'),
      PG_BIN: join(POSTGRES, versions.at(-1) ?? '', 'bin'),
      DATABASE_PORT: String(await freePort()),
      BROKER_PORT: String(await freePort()),
      WEB_PORT: String(webPort),
    },
  });
}

/** The number of documents that the application shows. */
async function documents(): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${webPort}/`);
  return Number(await answer.text());
}

const stateOf = async (name: string): Promise<string> =>
  (await container.status(name)).state.replace('SERVICE_STATE_', '').toLowerCase();

describe.each(FORMS)('the document server of examples/compose-like, %s', (_, form) => {
  testWith(NEEDED, 'starts in its order, works, outlives the controller and ends in order', async () => {
    await boot(form);
    await container.reaches('scheduler', 'up', BOOT_MS);
    await waitFor('a document', async () => (await documents()) > 0);

    for (const name of ['database-files', 'migrate']) expect(await stateOf(name)).toBe('completed');
    const started = new Map<string, number>();
    for (const name of SERVICES) {
      const { startedAt, lastExit } = (await container.status(name)) as {
        readonly startedAt?: string;
        readonly lastExit?: { readonly at?: string };
      };
      started.set(name, Date.parse(startedAt ?? lastExit?.at ?? ''));
    }
    const at = (name: string): number => started.get(name) ?? Number.NaN;
    expect(at('database')).toBeGreaterThanOrEqual(at('database-files'));
    expect(at('migrate')).toBeGreaterThanOrEqual(at('database'));
    for (const name of ['web', 'worker']) expect(at(name)).toBeGreaterThanOrEqual(at('migrate'));
    expect(at('scheduler')).toBeGreaterThanOrEqual(Math.max(at('web'), at('worker')));

    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', () => container.answers());
    for (const name of SERVICES) expect((await container.status(name)).run).toBe(1);
    const before = await documents();
    await waitFor('further documents', async () => (await documents()) > before);

    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(container.log()).toContain('database system is shut down');
  });
});
