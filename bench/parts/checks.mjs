/** The cost of supervising a hundred services that have a check every ten seconds. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Container } from '../container.mjs';
import { cpuMs, wakeUps } from '../proc.mjs';
import { names, SUPERVISORS } from '../supervisors.mjs';

const { my_init, pebble, processCompose } = SUPERVISORS;

const SERVICES = 100;
const WATCHED_MS = 30_000;
const MS_PER_HOUR = 3_600_000;
/** By then all services are ready, and V8 has tidied up after the start. */
const REST_MS = 12_000;

export const rounds = 1;
export const together = true;
export const contenders = [my_init, pebble, processCompose];

export async function run(contender, record) {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end('ok');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${server.address().port}/`;
    const kindsOf = contender === my_init ? kinds(url) : [['http', contender.prepare(SERVICES, { check: url })]];
    const watched = await Promise.all(kindsOf.map(([kind, prepare]) => watch(kind, prepare, () => asked)));
    for (const measure of watched.flat()) record(...measure);
  } finally {
    server.close();
  }
}

/** The measures of one kind of check; `asked`: the requests so far. */
async function watch(kind, prepare, asked) {
  const container = new Container(prepare);
  try {
    await container.started(SERVICES);
    await delay(REST_MS);
    const pids = container.supervisors();
    const sum = (of) => pids.reduce((total, pid) => total + of(pid), 0);
    const [cpu, wakes, before] = [sum(cpuMs), sum(wakeUps), asked()];
    await delay(WATCHED_MS);
    const hours = WATCHED_MS / MS_PER_HOUR;
    return [
      ['100 checks every 10 s: CPU in an hour', 's', (sum(cpuMs) - cpu) / 1000 / hours, kind],
      ['100 checks every 10 s: wake-ups in a minute', '', (sum(wakeUps) - wakes) / (hours * 60), kind],
      ...(kind === 'http'
        ? [['100 checks every 10 s: requests in a minute', '', (asked() - before) / (hours * 60), kind]]
        : []),
    ];
  } finally {
    await container.dispose();
  }
}

/** With `log`, my_init sends no requests. */
const kinds = (url) =>
  Object.entries({
    http: `ready: { http: "${url}", interval: 10s }\n`,
    tcp: `ready: { tcp: "${new URL(url).host}", interval: 10s }\n`,
    'log line': 'ready: { log: "never said" }\n',
  }).map(([kind, definition]) => [kind, prepareChecked(definition)]);

const prepareChecked = (definition) => (directory) => {
  const laidOut = my_init.prepare(SERVICES)(directory);
  for (const name of names(SERVICES)) writeFileSync(join(directory, 'service', name, 'service.yaml'), definition);
  return laidOut;
};
