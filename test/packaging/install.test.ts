import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { run } from '../helpers/container.js';
import { leftOut } from '../helpers/left-out.js';
import { packed, packedTree, packUncompressedInto } from '../helpers/packed.js';
import { describeWithRoots, distributionRoot, Rooted, Workshop } from '../helpers/rooted.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SERVICE = '#!/bin/sh\nexec sleep 1000\n';

const workshop = new Workshop();
let rooted: Rooted | undefined;
afterEach(() => rooted?.dispose());
afterAll(() => workshop.dispose());

/** Every file below a directory, and what is in it. */
function contents(directory: string, below = ''): readonly string[] {
  return readdirSync(join(directory, below))
    .sort()
    .flatMap((name) => {
      const path = join(below, name);
      const status = lstatSync(join(directory, path));
      if (status.isDirectory()) return [`${path}/`, ...contents(directory, path)];
      if (status.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(directory, path))}`];
      const digest = status.isFile()
        ? createHash('sha256')
            .update(readFileSync(join(directory, path)))
            .digest('hex')
        : '';
      return [`${path} ${(status.mode & 0o7777).toString(8)} ${digest}`];
    });
}

const isPacked = (file: string): boolean => /\.(deb|tgz|tar\.gz)$/.test(file);

/** The sums of what is in an archive or a Debian package, before it is compressed. */
function archived(directory: string, file: string): readonly string[] {
  const reads = file.endsWith('.deb') ? ['dpkg-deb --ctrl-tarfile', 'dpkg-deb --fsys-tarfile'] : ['gzip -cdf'];
  return reads.map((read) =>
    execFileSync('bash', ['-o', 'pipefail', '-c', `${read} "$0" | sha256sum`, file], {
      cwd: directory,
      encoding: 'utf8',
    }),
  );
}

/** A copy of the root of a distribution, to install into. */
function copyOf(root: string, name: string): string {
  const copy = join(workshop.directory, name);
  mkdirSync(copy);
  execFileSync('cp', ['-a', `${root}/.`, copy]);
  return copy;
}

describeWithRoots('what is packed', () => {
  let out: string;
  let files: readonly string[];
  const named = (pattern: RegExp): string => join(out, files.find((file) => pattern.test(file)) ?? String(pattern));

  beforeAll(() => {
    out = packed();
    files = readdirSync(out);
  }, 900_000);

  test('has checksums, and names its version of Node', async () => {
    const { code, stdout } = await run('sh', ['-c', 'cd "$0" && sha256sum -c SHA256SUMS', out]);
    expect([code, stdout.match(/: OK/g)?.length]).toEqual([0, 7]);
    const node = execFileSync(`${out}/tree/amd64/usr/lib/my_init/node`, ['--version'], { encoding: 'utf8' }).trim();
    const list = JSON.parse(readFileSync(named(/-node.*\.spdx\.json$/), 'utf8'));
    expect(files).toContain(`my_init-0.1.0-linux-amd64-node${node.slice(1)}.tar.gz`);
    const parts = list.packages.map(({ name, versionInfo }: Record<string, string>) => `${name} ${versionInfo}`);
    expect(parts).toContain(`node ${node.slice(1)}`);
    for (const part of ['libc6 ', 'libstdc++6 ', 'musl ', '@grpc/grpc-js '])
      expect(parts.filter((text: string) => text.startsWith(part))).toHaveLength(1);
  });

  test('is the same when it is packed again: trees, the content of archives and packages, and lists of parts', () => {
    const again = join(workshop.directory, 'again');
    packUncompressedInto(again);
    expect(contents(join(again, 'tree'))).toEqual(contents(join(out, 'tree')));
    expect(readdirSync(again)).toEqual(files);
    const uncompressed = (directory: string) => files.filter(isPacked).map((file) => [file, archived(directory, file)]);
    expect(uncompressed(again)).toEqual(uncompressed(out));
    // A list of parts names the sum of its archive.
    const parts = (directory: string) =>
      files
        .filter((file) => file.endsWith('.spdx.json'))
        .map((file) => readFileSync(join(directory, file), 'utf8').replace(/(?<="documentNamespace": ".*-)\w+"/, '…"'));
    expect(parts(again)).toEqual(parts(out));
  }, 900_000);

  test('has no time and no file name in its archives: the compressor adds nothing to what it compresses', () => {
    const archives = files.filter((file) => /\.t(ar\.)?gz$/.test(file));
    // RFC 1952: the flags, which announce a file name, and the time.
    const heads = archives.map((file) => readFileSync(join(out, file)).subarray(3, 8).toString('hex'));
    expect(heads).toEqual(['0000000000', '0000000000', '0000000000', '0000000000']);
  });

  test.each([
    ['(#tool-image)', 'amd64', /linux-amd64-node.*\.tar\.gz$/],
    ['(#without-node)', 'amd64-without-node', /linux-amd64\.tar\.gz$/],
  ] as const)('is as large as docs/install.md says: %s', (way, tree, packed) => {
    const page = readFileSync(join(PROJECT, 'docs/install.md'), 'utf8');
    const row = page.split('\n').find((line) => line.includes(way)) ?? '';
    const documented = [...row.matchAll(/([\d.]+) MB/g)].map(([, size]) => Number(size));
    const megabytes = (path: string): number =>
      Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]) / 1e6;
    const found = [megabytes(`${out}/tree/${tree}/usr/lib/my_init`), megabytes(named(packed))];
    const isNear = found.map((size, at) => Math.abs(size / (documented[at] ?? 0) - 1) < 0.15);
    expect({ documented, found, isNear }).toMatchObject({ isNear: [true, true] });
  });

  test('is small without Node', () => {
    expect(lstatSync(named(/amd64\.tar\.gz$/)).size).toBeLessThan(1_000_000);
    expect(
      Number(execFileSync('du', ['-sk', `${out}/tree/amd64-without-node`], { encoding: 'utf8' }).split('\t')[0]),
    ).toBeLessThan(3_000);
  });

  test('as an archive leaves the links of an image alone, and all its links work', async () => {
    for (const merged of [true, false]) {
      const root = join(workshop.directory, merged ? 'merged' : 'not-merged');
      mkdirSync(join(root, 'usr/sbin'), { recursive: true });
      if (merged) execFileSync('ln', ['-s', 'usr/sbin', join(root, 'sbin')]);
      execFileSync('tar', ['-xzf', named(/-node.*\.tar\.gz$/), '-C', root]);
      expect(lstatSync(join(root, 'sbin')).isSymbolicLink()).toBe(merged);
      mkdirSync(join(root, 'proc'));
      const inside = (...command: readonly string[]) =>
        run('unshare', [
          '--mount',
          'sh',
          '-ec',
          'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"',
          root,
          ...command,
        ]);
      for (const program of ['/sbin/my_init', '/usr/sbin/my_init', '/usr/bin/svctl'])
        expect((await inside(program, '--version')).stdout).toMatch(/^\w+ 0\.1\.0/);
      expect((await inside('/sbin/setuser', '0', '/sbin/setuser')).stderr).toMatch(/usage: setuser/i);
    }
  });

  test('as a Debian package satisfies lintian, and is removed without a trace', async () => {
    const deb = named(/\.deb$/);
    // The words in the program of Node are not ours, and take a third of the time.
    const checks = ['--allow-root', '--fail-on', 'error,warning', '--dont-check-part', 'binaries/spelling'];
    const lintian = await run('lintian', [...checks, deb]);
    expect([lintian.stdout, lintian.code]).toEqual(['', 0]);
    const base = distributionRoot('debian-bookworm');
    if (base === undefined) return;
    const root = copyOf(base, 'debian');
    const before = contents(root);
    cpSync(deb, join(root, 'tmp/my-init.deb'));
    // The package starts no daemon: nothing in the root could start one.
    const dpkg = (...words: readonly string[]) =>
      execFileSync('chroot', [root, 'dpkg', ...words], { encoding: 'utf8' });
    dpkg('--install', '/tmp/my-init.deb');
    rmSync(join(root, 'tmp/my-init.deb'));
    rooted = new Rooted(workshop.program('enter'), { layers: [root], files: { 'etc/service/one/run': SERVICE } });
    await rooted.up(1);
    rooted.signal('SIGTERM');
    expect(await rooted.exit).toBe(0);
    dpkg('--purge', 'my-init');
    const traces = /^var\/(lib\/dpkg|log)\//;
    expect(contents(root).filter((line) => !traces.test(line))).toEqual(before.filter((line) => !traces.test(line)));
  }, 900_000);

  test('svctl alone is installed by npm, and finds my_init', async () => {
    const prefix = join(workshop.directory, 'prefix');
    execFileSync('npm', ['install', '--global', '--offline', '--prefix', prefix, named(/^svctl.*\.tgz$/)], {
      stdio: 'ignore',
    });
    rooted = new Rooted(workshop.program('enter'), {
      layers: [packedTree(), workshop.muslRoot()],
      files: { 'etc/service/one/run': SERVICE },
    });
    await rooted.up(1);
    const socket = `/proc/${rooted.pid}/root/run/my_init/my_init.sock`;
    const { code, stdout } = await run(join(prefix, 'bin/svctl'), ['--socket', socket, 'status', '-o', 'name']);
    expect([code, stdout]).toEqual([0, 'one\n']);
    execFileSync('npm', ['uninstall', '--global', '--prefix', prefix, 'svctl'], { stdio: 'ignore' });
    expect(readdirSync(join(prefix, 'bin'))).toEqual([]);
  });

  test('the client library alone is installed into an empty project, and restarts a service', async () => {
    const project = join(workshop.directory, 'project');
    mkdirSync(project);
    const npm = (...words: readonly string[]) => execFileSync('npm', words, { cwd: project, encoding: 'utf8' });
    npm('init', '--yes');
    // Installs its one dependency without a registry.
    const protobuf = npm('pack', '--silent', join(PROJECT, 'node_modules/@bufbuild/protobuf')).trim();
    npm('install', '--offline', `./${protobuf}`, named(/^my_init-client.*\.tgz$/));
    const program = `
      import { connect, ServiceState } from 'my_init-client';
      const my = connect(process.argv[2]);
      const [{ oldPid, service }] = await my.restart('one');
      console.log(oldPid !== service.pid, ServiceState[service.state]);
      my.close();`;
    writeFileSync(join(project, 'main.mjs'), program);
    rooted = new Rooted(workshop.program('enter'), {
      layers: [packedTree(), workshop.muslRoot()],
      files: { 'etc/service/one/run': SERVICE },
    });
    await rooted.up(1);
    const socket = `/proc/${rooted.pid}/root/run/my_init/my_init.sock`;
    const { stdout, stderr } = await run('node', [join(project, 'main.mjs'), socket]);
    expect([stdout, stderr]).toEqual(['true SERVICE_STATE_UP\n', '']);
  });
});

describeWithRoots('the tree without Node', () => {
  const tree = () => packedTree('-without-node');

  test('without Node, my_init and svctl name the version that they need', async () => {
    rooted = new Rooted(workshop.program('enter'), { layers: [tree(), workshop.muslRoot()] });
    expect(await rooted.exit).toBe(127);
    expect(rooted.log()).toMatch(/^my_init: cannot find node in PATH or \S+: my_init needs Node 20\.12 or newer$/m);
    const { code, stderr } = await run('chroot', [tree(), '/usr/bin/svctl']);
    expect([code, stderr]).toEqual([
      127,
      expect.stringMatching(/^svctl: cannot find node in PATH or \S+: svctl needs Node 20\.12 or newer$/m),
    ]);
  });

  test('runs with the Node of the image', async () => {
    // The Node of the other tree stands for one that an application has brought.
    const volumes = { '/usr/local/bin': `${packedTree()}/usr/lib/my_init` };
    const files = { 'etc/service/one/run': SERVICE };
    rooted = new Rooted(workshop.program('enter'), { layers: [tree(), workshop.muslRoot()], files, volumes });
    await rooted.up(1);
    expect(
      (await rooted.exec('readlink', `/proc/${JSON.parse(await rooted.says('info', '-o', 'json')).controllerPid}/exe`))
        .stdout,
    ).toBe('/usr/local/bin/node\n');
    await rooted.says('reexec');
    rooted.signal('SIGTERM');
    expect(await rooted.exit).toBe(0);
  });

  test.each(['12', '18'])(
    'refuses Node %s, and says why',
    async (version) => {
      const directory = oldNode(version);
      if (directory === undefined) return;
      const reason = `my_init needs Node 20.12 or newer, and ${directory}/node is ${version}.`;
      for (const program of ['my_init', 'svctl']) {
        const { code, stderr } = await run('env', [`PATH=${directory}`, `${tree()}/usr/lib/my_init/${program}`]);
        expect([code, stderr]).toEqual([126, expect.stringContaining(reason)]);
      }
    },
    900_000,
  );
});

function oldNode(version: string): string | undefined {
  try {
    return execFileSync(join(PROJECT, 'test/fetch-node'), [version], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  } catch (error) {
    leftOut(`Node ${version}`, `it cannot be fetched: ${error}`);
    return undefined;
  }
}
