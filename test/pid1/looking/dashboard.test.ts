/** @needs chromium-headless-shell */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { TestContainer } from '../../helpers/container.js';
import { launchBrowser, ServedDashboard } from '../../helpers/dashboard.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const VIEWS = ['services', 'service/0/web', 'logs', 'timeline', 'graph', 'boot', 'processes', 'events'];
const SLEEP = { run: sh('exec sleep 1000') };

let browser: Browser;
let container: TestContainer;
let dashboard: ServedDashboard;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await dashboard.end();
  await container.dispose();
});

/** The dashboard of a container with a service that runs, one that fails and one that is down. */
async function served(...options: readonly string[]): Promise<Page> {
  container = await TestContainer.boot({
    services: { web: SLEEP, db: { run: sh('echo no disk >&2', 'exit 3') }, cache: { ...SLEEP, down: '' } },
  });
  dashboard = await ServedDashboard.start(browser, ['--socket', container.socket], options);
  const page = await dashboard.open();
  await row(page, 'web').getByText('● up').waitFor();
  return page;
}

const row = (page: Page, name: string) =>
  page.locator('tbody tr', { has: page.getByRole('link', { name, exact: true }) });

/** Presses the button of an order for one service of the list, up to the confirmation. */
async function order(page: Page, name: string, verb: string): Promise<void> {
  const picked = page.getByLabel(`Select ${name}`);
  if (!(await picked.isChecked())) await picked.check();
  await page.getByRole('button', { name: verb, exact: true }).click();
  await page.getByRole('dialog').waitFor();
}

const confirm = (page: Page, verb: string) =>
  page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();

const PHONE = { width: 390, height: 844 };

describe('svctl dashboard', () => {
  test('shows the services, and changes as they come', async () => {
    const page = await served();
    await row(page, 'cache').getByText('○ down').waitFor();
    await row(page, 'db')
      .getByText(/▲ backoff/)
      .waitFor();
    await container.svctl('stop', 'web');
    await row(page, 'web').getByText('○ down').waitFor();
  });

  test('carries out an order only after its confirmation, and shows the command that does the same', async () => {
    const page = await served();
    const before = await container.status('web');
    await order(page, 'web', 'restart');
    await page.getByText(`svctl --socket ${container.socket} restart web`).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect((await container.status('web')).pid).toBe(before.pid);
    await order(page, 'web', 'restart');
    await confirm(page, 'restart');
    await page.getByText(/web: restarted, pid \d+/).waitFor();
    expect((await container.status('web')).pid).not.toBe(before.pid);
  });

  test('removes the token from the address, and goes on after a reload', async () => {
    const page = await served();
    expect(page.url()).not.toContain(dashboard.token);
    await page.reload();
    await row(page, 'web').getByText('● up').waitFor();
  });

  test('ends at a TERM, and its page says so', async () => {
    const page = await served();
    expect(await dashboard.end()).toBe(0);
    await page.getByText('svctl dashboard has ended').waitFor();
    await waitFor('no order to be possible', async () => (await page.locator('.pick').count()) === 0);
  });

  test.each(['light', 'dark'] as const)('is accessible, %s', async (colorScheme) => {
    const page = await served();
    await page.emulateMedia({ colorScheme });
    for (const view of VIEWS) {
      await page.goto(`${dashboard.origin}/#/${view}`);
      await page.locator('h1').waitFor();
      expect([view, await seriousFindings(page)]).toEqual([view, []]);
    }
  });
});

describe('on a telephone', () => {
  test.each(VIEWS)('the view %s fits, and is accessible', async (view) => {
    const page = await served();
    await page.setViewportSize(PHONE);
    await page.goto(`${dashboard.origin}/#/${view}`);
    await page.locator('h1').waitFor();
    await waitFor(
      'the view to have its content',
      async () => ((await page.locator('main').textContent()) ?? '').length > 100,
    );
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBe(PHONE.width);
    expect(await seriousFindings(page)).toEqual([]);
  });

  test('an order works as on a large screen', async () => {
    const page = await served();
    await page.setViewportSize(PHONE);
    await order(page, 'cache', 'start');
    await confirm(page, 'start');
    await row(page, 'cache').getByText('● up').waitFor();
  });
});

/** The findings of axe-core that keep people from using the page. */
async function seriousFindings(page: Page): Promise<unknown> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run(): Promise<axe.AxeResults> } }).axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
  });
}
