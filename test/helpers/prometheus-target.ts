/** my_init in a PID namespace, with a few services, on a port that a Prometheus can scrape. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

const MY_INIT = fileURLToPath(new URL('../../dist/my_init', import.meta.url));

/**
 * Boots my_init as PID 1 of a PID namespace of its own and returns where it serves HTTP; `cleanups`
 * end it.
 */
export async function bootForPrometheus(
  cleanups: (() => unknown)[],
  services: Readonly<Record<string, string>>,
  yaml = 'services: {}',
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-prometheus-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 20 }));
  for (const [name, script] of Object.entries(services)) {
    const run = join(directory, 'service', name, 'run');
    mkdirSync(join(directory, 'service', name), { recursive: true });
    writeFileSync(run, `#!/bin/sh\n${script}\n`);
    chmodSync(run, 0o755);
  }
  const file = join(directory, 'services.yaml');
  writeFileSync(file, yaml);
  const address = `127.0.0.1:${await freePort()}`;
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const container = spawn('unshare', [
    ...user,
    ...['--pid', '--fork', '--mount-proc', '--kill-child', MY_INIT],
    ...['--service-dir', join(directory, 'service'), '--socket', join(directory, 'socket')],
    ...['--http-listen', address, '--services', file],
  ]);
  cleanups.push(() => kill(container));
  await waitFor('my_init to be ready', async () => {
    const answer = await fetch(`http://${address}/readyz`).catch(() => undefined);
    return answer?.ok;
  });
  return address;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  if (child.kill('SIGKILL')) await exited;
}
