import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A person waits for it with the finger on the key. */
const LIMIT_MS = 2_000;

/** The hosts that begin with `start`, of all tools that are here and answer in time. */
export async function hostsFrom(start: string): Promise<readonly string[]> {
  const sources = {
    'docker://': containers('docker'),
    'podman://': containers('podman'),
    'k8s://': pods,
    'ssh://': sshHosts,
  };
  const asked = Object.entries(sources).filter(([scheme]) => scheme.startsWith(start) || start.startsWith(scheme));
  const found = await Promise.all(asked.map(([, list]) => list(start)));
  return found.flat().filter((host) => host.startsWith(start));
}

const containers = (engine: 'docker' | 'podman') => async (): Promise<string[]> =>
  (await linesOf(engine, ['ps', '--format', '{{.Names}}'])).map((name) => `${engine}://${name}`);

/** The pods of the namespace that stands there, else of the default one, and the namespaces. */
async function pods(start: string): Promise<string[]> {
  const [, namespace] = /^k8s:\/\/([^/]+)\//.exec(start) ?? [];
  const scope = namespace === undefined ? [] : [`--namespace=${decodeURIComponent(namespace)}`];
  const [here, namespaces] = await Promise.all([
    linesOf('kubectl', [
      ...scope,
      'get',
      'pods',
      '-o',
      'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}',
    ]),
    namespace === undefined ? linesOf('kubectl', ['get', 'namespaces', '-o', 'name']) : [],
  ]);
  return [
    ...here.map((pod) => `k8s://${pod}`),
    ...namespaces.map((name) => `k8s://${name.replace(/^namespace\//, '')}/`),
  ];
}

/** The hosts of ~/.ssh/config that are no patterns. */
async function sshHosts(): Promise<string[]> {
  const text = await readFile(join(homedir(), '.ssh/config'), 'utf8').catch(() => '');
  const names = [...text.matchAll(/^\s*Host\s+(.+)$/gim)].flatMap(([, list = '']) => list.trim().split(/\s+/));
  return names.filter((name) => /^[^*?!]+$/.test(name)).map((name) => `ssh://${name}`);
}

async function linesOf(program: string, args: readonly string[]): Promise<string[]> {
  const { stdout, failed } = await execa(program, args, { reject: false, timeout: LIMIT_MS, stdin: 'ignore' });
  return failed ? [] : stdout.split('\n').filter((line) => line !== '');
}
