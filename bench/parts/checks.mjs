/** A hundred services that are asked every ten seconds whether they work: what it costs the supervision. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Container } from '../container.mjs';
import { cpuMs, wakeUps } from '../proc.mjs';
import { names, SUPERVISORS } from '../supervisors.mjs';

const { my_init } = SUPERVISORS;

const SERVICES = 100;
const MINUTE_MS = 60_000;
const MINUTES_PER_HOUR = 60;
/** All are ready, and V8 has tidied up after the start. */
const REST_MS = 15_000;

export const rounds = 1;
export const contenders = [my_init];

export async function run(_contender, record) {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end('ok');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const kinds = {
    http: `ready: { http: "http://127.0.0.1:${port}/", interval: 10s }\n`,
    tcp: `ready: { tcp: "127.0.0.1:${port}", interval: 10s }\n`,
    'log line': 'ready: { log: "never said" }\n',
  };
  try {
    for (const [kind, definition] of Object.entries(kinds)) {
      const before = asked;
      const container = new Container(prepare(definition));
      try {
        await container.started(SERVICES);
        await delay(REST_MS);
        const pids = container.supervisors();
        const sum = (of) => pids.reduce((total, pid) => total + of(pid), 0);
        const [cpu, wakes] = [sum(cpuMs), sum(wakeUps)];
        await delay(MINUTE_MS);
        record('100 checks every 10 s: CPU in an hour', 's', ((sum(cpuMs) - cpu) * MINUTES_PER_HOUR) / 1000, kind);
        record('100 checks every 10 s: wake-ups in a minute', '', sum(wakeUps) - wakes, kind);
        if (kind === 'http' && asked - before < SERVICES * 6) throw new Error(`only ${asked - before} requests came`);
      } finally {
        await container.dispose();
      }
    }
  } finally {
    server.close();
  }
}

const prepare = (definition) => (directory) => {
  const laidOut = my_init.prepare(SERVICES)(directory);
  for (const name of names(SERVICES)) writeFileSync(join(directory, 'service', name, 'service.yaml'), definition);
  return laidOut;
};
