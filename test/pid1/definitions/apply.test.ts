import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

const FILE = 'my_init/services.yaml';
/** Changes a file of /etc as the container sees it. */
const change = async (path: string, text: string): Promise<void> => {
  const file = join(container.directory, 'new');
  writeFileSync(file, text);
  await container.exec('cp', file, `/etc/${path}`);
};
const boot = async (services: string, rest: Parameters<typeof TestContainer.boot>[0] = {}): Promise<void> => {
  container = await TestContainer.boot({ etc: { [FILE]: services }, ...rest });
};
const noted = (name: string): Promise<true> =>
  waitFor(
    `a changed definition of ${name}`,
    async () => (await container.table(name)).includes('definition changed, svctl apply') && true,
  );

describe('a changed definition', () => {
  test('is shown, but not applied to a running service; svctl diff says what svctl apply then does', async () => {
    await boot('services:\n  web: { command: sleep 1000 }\n  db: { command: sleep 1000 }\n');
    const { pid } = await container.reaches('web', 'up');
    const db = await container.reaches('db', 'up');
    await change(
      FILE,
      'services:\n  web: { command: sleep 1000, nice: 5 }\n  db: { command: sleep 1000, description: the database }\n',
    );
    await noted('web');
    await noted('db');
    expect((await container.status('web')).pid).toBe(pid);
    const { stdout } = await container.svctl('diff');
    expect(stdout).toMatch(/^web +restart +nice$/m);
    expect(stdout).toMatch(/^db +take over +description$/m);
    expect((await container.svctl('apply')).code).toBe(0);
    const after = await waitFor('a new process', async () => {
      const status = await container.status('web');
      return status.pid !== 0 && status.pid !== pid && status;
    });
    await waitFor(
      'nice 5',
      async () => (await container.exec('ps', '-o', 'ni=', '-p', String(after.pid))).stdout.trim() === '5',
    );
    expect((await container.status('db')).pid).toBe(db.pid);
    expect((await container.svctl('diff')).stdout).toBe('Nothing differs.\n');
  });

  test('adds services at once; a service that is removed from the file runs until svctl apply', async () => {
    await boot('services: { web: { command: sleep 1000 } }');
    await container.reaches('web', 'up');
    await change(FILE, 'services: { db: { command: sleep 1000 } }');
    await container.reaches('db', 'up');
    await noted('web');
    await container.reaches('web', 'up');
    expect((await container.svctl('diff')).stdout).toMatch(/^web +stop$/m);
    await container.svctl('apply');
    await container.forgets('web');
  });

  test('stops nothing and is not applied if it is invalid', async () => {
    await boot('services: { web: { command: sleep 1000 }, db: { command: sleep 1000 } }');
    const { pid } = await container.reaches('web', 'up');
    await change(FILE, 'services: { web: { comand: sleep 1000 }, db: { command: "sleep 1000 }');
    await noted('web');
    const { code, stdout } = await container.svctl('apply');
    expect(code).toBe(1);
    expect(stdout).toMatch(/this is not YAML/);
    expect((await container.status('web')).pid).toBe(pid);
    await container.reaches('db', 'up');
  });

  test('of service.yaml is in force at the next start, whoever asks for the start', async () => {
    container = await TestContainer.boot({ services: { web: { 'service.yaml': 'command: sleep 1000\n' } } });
    await container.reaches('web', 'up');
    container.write('web/service.yaml', 'command: sleep 999\n');
    await noted('web');
    await container.svctl('restart', 'web');
    const { pid } = await container.reaches('web', 'up');
    const args = async () => (await container.exec('ps', '-o', 'args=', '-p', String(pid))).stdout.trim();
    await waitFor('the new command', async () => (await args()) === 'sleep 999');
    expect(await container.table('web')).not.toMatch(/definition changed/);
  });

  test('is noticed when Kubernetes switches the links of a mounted ConfigMap', async () => {
    const mount = (directory: string, version: string, services: string): void => {
      mkdirSync(join(directory, `..${version}`), { recursive: true });
      writeFileSync(join(directory, `..${version}`, 'app.yaml'), services);
      symlinkSync(`..${version}`, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    const directory = join('/tmp', `my_init-map-${process.pid}`);
    mount(directory, '1', 'services: { web: { command: sleep 1000 } }');
    symlinkSync('..data/app.yaml', join(directory, 'app.yaml'));
    try {
      container = await TestContainer.boot({
        prepare: `mkdir -p /etc/my_init; ln -s ${directory} /etc/my_init/services.d`,
      });
      await container.reaches('web', 'up');
      mount(directory, '2', 'services: { web: { command: sleep 1000 }, more: { command: sleep 1000 } }');
      await container.reaches('more', 'up');
    } finally {
      rmSync(directory, { recursive: true, maxRetries: 20 });
    }
  });
});

describe('the definition that a running service was started with', () => {
  const killController = async (): Promise<void> => {
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', async () => (await container.info()).controllerRestarts === 1);
  };
  const values = async (
    name: string,
  ): Promise<ReadonlyMap<string, { readonly value: string; readonly line?: number }>> => {
    const { definitions } = JSON.parse((await container.svctl('config', name, '-o', 'json')).stdout);
    return new Map(definitions[0].values.map((each: { readonly key: string }) => [each.key, each]));
  };

  test('outlives the controller: the change is still shown, and not applied', async () => {
    const long = '0123456789'.repeat(600);
    await boot(`services:
  web:
    command: sleep 1000
    stop_signal: INT
    environment: { LONG: "${long}", DOLLAR: "$\${HOME}" }
`);
    const { pid } = await container.reaches('web', 'up');
    const before = await values('web');
    await change(FILE, 'services:\n  web: { command: sleep 1000, nice: 5 }\n');
    await noted('web');
    await killController();
    await noted('web');
    expect(await values('web')).toEqual(before);
    expect(before.get('stop_signal')).toMatchObject({ value: '[{"signal":"INT"}]', line: 4 });
    expect((await container.svctl('diff')).stdout).toMatch(/^web +restart +stop_signal, environment, nice$/m);
    expect((await container.svctl('explain', 'web')).stdout).toMatch(/The definition has changed since the start/);
    expect((await container.status('web')).pid).toBe(pid);
    await container.svctl('apply');
    await waitFor('a new process', async () => ![0, pid].includes((await container.status('web')).pid));
    expect((await container.svctl('diff')).stdout).toBe('Nothing differs.\n');
  });

  test('outlives the controller also if the change comes while there is none', async () => {
    container = await TestContainer.boot({ services: { web: { 'service.yaml': 'command: sleep 1000\n' } } });
    await container.reaches('web', 'up');
    // This controller does not see the change: the next one has to.
    process.kill(container.controllerPid, 'SIGSTOP');
    container.write('web/service.yaml', 'command: sleep 999\n');
    await killController();
    await noted('web');
    expect((await values('web')).get('command')?.value).toBe('["sleep","1000"]');
    await container.svctl('restart', 'web');
    expect((await values('web')).get('command')?.value).toBe('["sleep","999"]');
    expect(await container.table('web')).not.toMatch(/definition changed/);
  });

  test('includes the content of its files of variables', async () => {
    const services = 'services: { web: { command: sleep 1000, env_file: /etc/web.env } }';
    await boot(services, { etc: { [FILE]: services, 'web.env': 'A=1\n' } });
    await container.reaches('web', 'up');
    expect((await container.svctl('diff')).stdout).toBe('Nothing differs.\n');
    await change('web.env', 'A=2\n');
    await noted('web');
    await killController();
    await noted('web');
    expect((await container.svctl('diff')).stdout).toMatch(/^web +restart +env_file$/m);
    await container.svctl('apply');
    await waitFor('no change', async () => !(await container.table('web')).includes('definition changed'));
    expect((await container.svctl('diff')).stdout).toBe('Nothing differs.\n');
  });
});

describe('svctl', () => {
  test('config shows each value with its origin', async () => {
    await boot('defaults: { nice: 1 }\nservices:\n  web:\n    command: sleep 1000\n    environment: { A: b }\n');
    const { stdout } = await container.svctl('config', 'web');
    expect(stdout).toMatch(/^command +\["sleep","1000"\] +\/etc\/my_init\/services\.yaml:4$/m);
    expect(stdout).toMatch(/^nice +1 +\/etc\/my_init\/services\.yaml:1$/m);
    expect(stdout).toMatch(/^environment +\{"A":"b"\} +\/etc\/my_init\/services\.yaml:5$/m);
    expect(stdout).toMatch(/^restart +"always" +default$/m);
  });

  test('explain says once how a service in backoff has ended', async () => {
    await boot('services:\n  web: { command: exit 3 }\n');
    const words = await waitFor('web to wait for its next attempt', async () => {
      const { stdout } = await container.svctl('explain', 'web');
      return stdout.includes('waiting for the next attempt') && stdout;
    });
    expect(words.match(/exited with code 3/gi)).toHaveLength(1);
  });

  test('explain shows the whole chain, root first', async () => {
    await boot(`services:
  migrate: { type: oneshot, command: 'echo no such table; exit 3' }
  app: { command: sleep 1000, depends_on: [migrate] }
  web: { command: sleep 1000, depends_on: [app, nobody] }
`);
    await container.reaches('web', 'waiting');
    await waitFor('the end of migrate', async () => (await container.status('migrate')).pid === 0);
    const { stdout } = await waitFor('the whole chain', async () => {
      const answer = await container.svctl('explain', 'web');
      return answer.stdout.includes('exited with code 3') && answer;
    });
    expect(stdout.match(/^\w+$/gm)).toEqual(['migrate', 'app', 'nobody', 'web']);
    expect(stdout).toMatch(/exited with code 3/);
    expect(stdout).toMatch(/\| no such table/);
    expect(stdout).toMatch(/migrate is not ready yet \(depends_on, \/etc\/my_init\/services\.yaml:3\)\./);
    expect(stdout).toMatch(/nobody does not exist/);
    expect((await container.svctl('explain', 'wbe')).stderr).toMatch(/Did you mean web\?/);
  });
});
