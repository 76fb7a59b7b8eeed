/**
 * Measures that must not grow: memory, descriptors, records and series, while services come and
 * go, start again and again, and are watched and scraped for a day. Each measure is the difference
 * between the middle and the end of the work: the first half warms up.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { apiAnswers, connect, RestartRequest, WaitLevel } from '../api.mjs';
import { Container, settled, until } from '../container.mjs';
import { memory } from '../proc.mjs';
import { SUPERVISORS } from '../supervisors.mjs';
import { SERVICE } from '../tools.mjs';

/** One new service each second for an hour. */
const NEW_SERVICES = 3_600;
const RESTARTS = 10_000;
/** One scrape each quarter of a minute for a day. */
const SCRAPES = 5_760;
const SERVICES = 10;

export const rounds = 1;
export const contenders = [SUPERVISORS.my_init];

export async function run(contender, record) {
  const container = new Container(contender.prepare(SERVICES));
  try {
    await container.started(SERVICES);
    await apiAnswers(container);
    const client = connect(container);
    const { httpAddress } = await client.info();
    const scrape = async () => (await fetch(`http://${httpAddress}/metrics`)).text();
    const watching = client
      .watch()
      .on('data', () => {})
      .on('error', () => {});
    for (const [title, count, work] of [
      [`${NEW_SERVICES} new services, each removed again`, NEW_SERVICES, () => comeAndGo(container, client)],
      [`${RESTARTS} restarts`, RESTARTS / SERVICES, () => restartAll(client)],
      [`${SCRAPES} scrapes`, SCRAPES, scrape],
    ]) {
      const halfOfIt = async () => {
        for (let left = count / 2; left > 0; left--) await work();
        await settled(() => container.supervisors(), 2_000);
        return figures(container, await scrape());
      };
      const middle = await halfOfIt();
      const end = await halfOfIt();
      for (const [name, unit] of Object.entries(UNITS)) record(`${title}: ${name}`, unit, end[name] - middle[name]);
    }
    watching.cancel();
    client.close();
  } finally {
    await container.dispose();
  }
}

const UNITS = {
  'anonymous memory of the controller': 'kB more',
  'anonymous memory of PID 1': 'kB more',
  'descriptors of the controller': 'more',
  'descriptors of PID 1': 'more',
  'bytes that PID 1 holds': 'kB more',
  'lines of a scrape': 'more',
};

function figures(container, scraped) {
  const [init, controller] = container.supervisors();
  const held = descriptors(init).map((fd) => sizeOf(`/proc/${init}/fd/${fd}`));
  return {
    'anonymous memory of the controller': memory(controller).anonymous,
    'anonymous memory of PID 1': memory(init).anonymous,
    'descriptors of the controller': descriptors(controller).length,
    'descriptors of PID 1': held.length,
    'bytes that PID 1 holds': held.reduce((sum, bytes) => sum + bytes, 0) / 1024,
    'lines of a scrape': scraped.split('\n').length,
  };
}

const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`);

/** The size of a file on disk or in memory. */
function sizeOf(path) {
  try {
    return statSync(path).blocks * 512;
  } catch {
    // The file was closed meanwhile.
    return 0;
  }
}

let number = 0;

async function comeAndGo(container, client) {
  const name = `new-${++number}`;
  const place = join(container.directory, 'service', name);
  const isListed = async () => (await client.list({})).services.some((service) => service.name === name);
  mkdirSync(place);
  symlinkSync(SERVICE, join(place, 'run'));
  await until('a new service', 30_000, () => container.service(name));
  // my_init writes into the directory as long as it is there.
  const away = join(container.directory, name);
  renameSync(place, away);
  while (await isListed());
  rmSync(away, { recursive: true });
}

async function restartAll(client) {
  const names = Array.from({ length: SERVICES }, (_, at) => `web-${at + 1}`);
  await client.restart(RestartRequest.fromPartial({ selector: { names }, wait: WaitLevel.WAIT_LEVEL_STARTED }));
}
