/** @needs chromium-headless-shell python3 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { TestContainer } from '../../helpers/container.js';
import { launchBrowser, ServedDashboard } from '../../helpers/dashboard.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const EATEN_MB = 64;

/** From USR1 until USR2 the program computes without a pause, and holds memory. */
const EATER = `import signal
begin, end = {signal.SIGUSR1}, {signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, begin | end)
print("ready", flush=True)
while True:
    signal.sigwait(begin)
    held = b"x" * (${EATEN_MB} * 1024 * 1024)
    while not signal.sigpending() & end: pass
    signal.sigwait(end)
    held = None
`;

let browser: Browser;
let container: TestContainer;
let dashboard: ServedDashboard;

beforeAll(async () => {
  browser = await launchBrowser();
  container = await TestContainer.boot({
    services: {
      eater: { run: sh('exec python3 eater.py'), 'eater.py': EATER },
      // Each USR1 leaves a process behind; all of them run the same program.
      leaky: { run: sh('trap "(sleep 1000 &)" USR1', 'echo ready', 'while :; do sleep 1 & wait; done') },
      tidy: { run: sh('exec sleep 1000') },
    },
  });
  for (const name of ['eater', 'leaky'])
    await waitFor(`${name} to be ready`, async () => (await container.svctl('logs', name)).stdout.includes('ready'));
  dashboard = await ServedDashboard.start(browser, ['--socket', container.socket]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await dashboard?.end();
  await container?.dispose();
  await browser?.close();
});

const view = (hash: string): Promise<Page> => dashboard.view(hash);

/** The number before the unit of a text: `12%`, `70.3M`. */
const numberOf = (words: string | null | undefined): number => Number.parseFloat(words ?? '');

/** The content of a plot. */
async function plot(page: Page, title: 'CPU' | 'Memory') {
  const picture = page.getByRole('img', { name: `${title}: ` });
  const said = (await picture.getAttribute('aria-label'))?.slice(`${title}: `.length);
  const points = (await picture.locator('.curve').getAttribute('points'))?.split(' ') ?? [];
  return {
    /** The newest value, in percent or MB. */
    now: /^\d+%|^[\d.]+M/.test(said ?? '') ? numberOf(said) : 0,
    /** The distances of the points from the upper edge, oldest first. */
    depths: points.map((point) => Number(point.split(',')[1])),
  };
}

describe('the resource use on the page', () => {
  test('follows the service, in its plots and in the list', async () => {
    const page = await view('service/0/eater');
    await waitFor('a sample of an idle service', async () => (await plot(page, 'Memory')).depths.length > 1);
    const before = await plot(page, 'Memory');
    await container.svctl('signal', 'USR1', 'eater');
    await waitFor('the CPU to be seen', async () => (await plot(page, 'CPU')).now > 0);
    await waitFor('the memory to be seen', async () => (await plot(page, 'Memory')).now > before.now + EATEN_MB - 1);

    const list = await view('services');
    const row = list.locator('tbody tr', { has: list.getByRole('link', { name: 'eater', exact: true }) });
    await waitFor('both in the list', async () => {
      const [cpu, memory] = await row.locator('.used span').allTextContents();
      return numberOf(cpu) > 0 && numberOf(memory) > EATEN_MB;
    });

    await container.svctl('signal', 'USR2', 'eater');
    await waitFor('the CPU to be free again', async () => (await plot(page, 'CPU')).now === 0);
    await waitFor('the memory to be free again', async () => (await plot(page, 'Memory')).now < EATEN_MB);
    for (const title of ['CPU', 'Memory'] as const) {
      const { depths } = await plot(page, title);
      const top = Math.min(...depths);
      expect(depths[0]).toBeGreaterThan(top);
      expect(depths.at(-1)).toBeGreaterThan(top);
    }
  });

  test('shows which service leaves orphans behind, and when they are gone', async () => {
    const page = await view('processes');
    await page.getByText('orphans: none').waitFor();
    await container.svctl('signal', 'USR1', 'leaky');
    await page.getByText('orphans: 1 of leaky').waitFor();
    await container.svctl('signal', 'USR1', 'leaky');
    await page.getByText('orphans: 2 of leaky').waitFor();
    const orphans = page.locator('tbody tr', { hasText: 'orphan' });
    expect(await orphans.allTextContents()).toEqual([
      expect.stringContaining('sleeporphanleaky'),
      expect.stringContaining('sleeporphanleaky'),
    ]);
    const [pid] = await orphans.locator('td').allTextContents();
    const { zombiesReapedTotal: before } = await container.info();
    await container.exec('kill', String(pid));
    await page.getByText('orphans: 1 of leaky').waitFor();
    await waitFor('the reaped one to be counted', async () => {
      const [reaped] = /\d+(?= reaped since boot)/.exec((await page.locator('main').textContent()) ?? '') ?? [];
      return Number(reaped) > Number(before);
    });
  });
});
