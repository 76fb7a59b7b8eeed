/** A real Prometheus on the example configuration. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

export const EXAMPLES = fileURLToPath(new URL('../../examples/prometheus/', import.meta.url));

export interface Prometheus {
  /** Asks until there is a result. */
  query(promql: string): Promise<readonly Result[]>;
  /** The type that a metric was scraped with. */
  metricType(name: string): Promise<string | undefined>;
  stop(): Promise<void>;
}

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/**
 * Starts Prometheus on the example configuration, with another target and an interval of a second.
 */
export async function startPrometheus(target: string): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-prometheus-'));
  cpSync(EXAMPLES, directory, { recursive: true });
  const config = join(directory, 'prometheus.yml');
  writeFileSync(config, readFileSync(config, 'utf8').replaceAll('15s', '1s').replace('localhost:9180', target));
  const port = await freePort();
  const server = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const exited = once(server, 'exit');
  const base = `http://127.0.0.1:${port}/api/v1`;
  return {
    query: (promql) => query(base, promql),
    metricType: async (name) => {
      const response = await fetch(`${base}/metadata?metric=${name}`);
      return ((await response.json()) as Metadata).data[name]?.[0]?.type;
    },
    stop: async () => {
      server.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

interface Metadata {
  readonly data: Readonly<Record<string, readonly { readonly type: string }[]>>;
}

function query(base: string, promql: string): Promise<readonly Result[]> {
  return waitFor(`an answer of Prometheus to ${promql}`, async () => {
    const response = await fetch(`${base}/query?query=${encodeURIComponent(promql)}`).catch(() => undefined);
    const result = response?.ok ? ((await response.json()) as Answer).data.result : [];
    return result.length > 0 && result;
  });
}

interface Answer {
  readonly data: { readonly result: readonly Result[] };
}
