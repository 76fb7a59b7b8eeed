/** @needs chromium-headless-shell */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { TestContainer } from '../../helpers/container.js';
import { launchBrowser, ServedDashboard } from '../../helpers/dashboard.js';
import { Docker } from '../../helpers/docker.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

let browser: Browser;
let docker: Docker;
let containers: readonly TestContainer[];
let dashboard: ServedDashboard;

beforeAll(async () => {
  browser = await launchBrowser();
  docker = new Docker();
  const services = {
    web: { run: sh('echo "begins $$"', 'exec sleep 1000') },
    db: { run: sh('exit 3') },
  };
  containers = await Promise.all([0, 1].map(() => TestContainer.boot({ services })));
  for (const [index, { socket }] of containers.entries()) docker.add(`box-${index}`, socket);
  dashboard = await ServedDashboard.start(browser, ['-H', 'docker://box-0', '-H', 'docker://box-1'], [], {
    PATH: docker.PATH,
  });
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await dashboard?.end();

  await Promise.all((containers ?? []).map((container) => container.dispose()));

  docker?.dispose();
  await browser?.close();
});

const view = (hash: string): Promise<Page> => dashboard.view(hash);

const row = (page: Page, name: string, host: string) =>
  page.locator('tbody tr', { has: page.getByRole('link', { name, exact: true }) }).filter({ hasText: host });

/** The line of the present run of `web`, once it is written: the service can be up before. */
async function beginning(container: TestContainer): Promise<string> {
  const line = `begins ${(await container.status('web')).pid}`;
  const written = async () => (await container.svctl('logs', '-n1', 'web')).stdout.trim().endsWith(line);
  await waitFor(line, written);
  return line;
}

describe('svctl dashboard of several hosts', () => {
  test('shows the services of all hosts, and gives an order to one of them', async () => {
    const page = await view('services');
    await row(page, 'web', 'docker://box-0').getByText('● up').waitFor();
    const other = row(page, 'web', 'docker://box-1');
    await other.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'restart', exact: true }).click();
    await page.getByText('svctl -H docker://box-1 restart web').waitFor();
    const pids = await Promise.all(containers.map(async (container) => (await container.status('web')).pid));
    await page.getByRole('dialog').getByRole('button', { name: 'restart', exact: true }).click();
    await page.getByText(/web: restarted, pid \d+/).waitFor();
    const after = await Promise.all(containers.map(async (container) => (await container.status('web')).pid));
    expect(after.map((pid, index) => pid === pids[index])).toEqual([true, false]);
  });

  test('shows the logs of all hosts as one, in the order of the times', async () => {
    const again = [...containers, ...containers];
    const written: string[] = [];
    for (const container of again) {
      await container.svctl('restart', 'web');
      written.push(await beginning(container));
    }
    const page = await view('logs');
    const begins = page.locator('.log .line', { hasText: /web begins/ });
    for (const [index, line] of written.slice(-containers.length).entries())
      await begins
        .filter({ hasText: `box-${index}` })
        .filter({ hasText: line })
        .waitFor();
    const lines = await begins.allTextContents();
    expect(lines).toEqual([...lines].sort());
    expect(lines.slice(-again.length).map((line) => /box-\d/.exec(line)?.[0])).toEqual([
      'box-0',
      'box-1',
      'box-0',
      'box-1',
    ]);
  });

  test.each(['timeline', 'events', 'boot', 'graph', 'processes'])('shows both hosts in the view %s', async (name) => {
    const page = await view(name);
    await page.locator('h1').waitFor();
    await page.getByText('docker://box-1').first().waitFor({ state: 'attached' });
  });

  test('says which host is lost, and goes on when it is back', async () => {
    const page = await view('services');
    await row(page, 'web', 'box-1').getByText('● up').waitFor();
    docker.cut('box-1');
    await page
      .getByRole('alert')
      .getByText(/docker:\/\/box-1: connection lost .*is paused/)
      .waitFor();
    docker.mend('box-1');
    await containers[1]?.svctl('stop', 'web');
    await row(page, 'web', 'box-1').getByText('○ down').waitFor();
    await waitFor('the alert to go', async () => (await page.getByRole('alert').textContent()) === '');
  });
});
