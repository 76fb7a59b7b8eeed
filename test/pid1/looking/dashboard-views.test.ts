/** @needs chromium-headless-shell */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { TestContainer } from '../../helpers/container.js';
import { launchBrowser, ServedDashboard } from '../../helpers/dashboard.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const MANY = 200;
/** The services besides the many. */
const SERVICES = 5;

let browser: Browser;
let container: TestContainer;
let dashboard: ServedDashboard;
const said: string[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
  const many = Array.from({ length: MANY }, (_, index) => [`many-${index}`, { run: sh('exec sleep 1000'), down: '' }]);
  container = await TestContainer.boot({
    services: {
      ...Object.fromEntries(many),
      web: {
        run: sh('trap "echo reloaded" HUP', 'trap "echo usr1" USR1', 'echo ready', 'while :; do sleep 1 & wait; done'),
      },
      markup: { run: sh(`printf '%s\\n' '${MARKUP}'`, 'exec sleep 1000') },
      storm: { run: sh('seq 120000', 'echo the end', 'exec sleep 1000'), down: '' },
      broken: { run: sh('exit 3') },
      talks: { run: sh('echo "of run $$"', 'seq -f "to stdout %.0f" 20', 'echo "to stderr" >&2', 'exec sleep 1000') },
    },
  });
  dashboard = await ServedDashboard.start(browser, ['--socket', container.socket]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  expect(said.splice(0)).toEqual([]);
});
afterAll(async () => {
  await dashboard?.end();
  await container?.dispose();
  await browser?.close();
});

/** A page on one of the views. */
const view = (hash: string): Promise<Page> => dashboard.view(hash, (text) => said.push(text));

/** Presses a button of an order, fills in what it asks for, and confirms. */
async function order(page: Page, verb: string, typed: Readonly<Record<string, string>> = {}): Promise<void> {
  await page.locator('.orders').getByRole('button', { name: verb, exact: true }).click();
  const dialog = page.getByRole('dialog');
  for (const [label, text] of Object.entries(typed)) await dialog.getByLabel(label).fill(text);
  await dialog.getByRole('button', { name: verb, exact: true }).click();
}

const note = (page: Page, text: string | RegExp) => page.locator('output').getByText(text).waitFor();

describe('the page of svctl dashboard', () => {
  test('offers every order', async () => {
    const page = await view('service/0/web');
    await page.getByText('● up').first().waitFor();
    await order(page, 'reload');
    await note(page, /web: reloaded/);
    await order(page, 'signal', { 'Signal (HUP, USR1, 15 …)': 'USR1' });
    await note(page, 'web: USR1 sent');
    await order(page, 'hold', { 'For how long (15m, 2h)': '10m', Why: 'a test' });
    await note(page, 'web: held for 10m');
    await page.getByText(/held for another .*: a test/).waitFor();
    await order(page, 'release');
    await note(page, /web: released/);
    await order(page, 'restart');
    await note(page, /web: restarted, pid/);
    await order(page, 'stop');
    await note(page, 'web: stopped');
    await page.getByText('○ down').first().waitFor();
    await order(page, 'start');
    await note(page, /web: started, pid/);
    expect((await container.svctl('logs', 'web')).stdout).toMatch(/reloaded[\s\S]*usr1/);
  });

  test('shows markup in a log line as text', async () => {
    const page = await view('logs/0%2Fmarkup');
    await page.locator('.log').getByText(MARKUP).waitFor();
    expect(await page.title()).toBe('my_init');
    expect(await page.locator('.log img, .log script').count()).toBe(0);
  });

  test('lists 200 services, and filters them', async () => {
    const page = await view('services');
    await waitFor('all services', async () => (await page.locator('tbody tr').count()) === MANY + SERVICES);
    await page.getByLabel('Filter by name, state, tag or host').fill('many-19');
    await waitFor('eleven of them', async () => (await page.locator('tbody tr').count()) === 11);
  });

  test('follows 120,000 lines, draws the visible ones, and finds one', async () => {
    const page = await view('logs/0%2Fstorm');
    await container.svctl('start', 'storm');
    await page
      .locator('.log')
      .getByText(/the end$/)
      .waitFor();
    expect(await page.locator('.log .line').count()).toBeLessThan(200);
    await page.getByLabel('Search (a regular expression)').fill('^119000$');
    await page.keyboard.press('Enter');
    await page.locator('.found').getByText('119000').waitFor();
  });

  test('has my_init filter a log, and shows errors alone and the previous run', async () => {
    const page = await view('logs/0%2Ftalks');
    const log = page.locator('.log');
    const firstRun = await log.getByText(/of run \d+/).textContent();
    const filter = page.getByLabel(/^Only lines that match/);
    await filter.fill('stdout 1\\d$');
    await page.keyboard.press('Enter');
    await log.getByText('to stdout 19').waitFor();
    await waitFor('ten lines', async () => (await log.locator('.line:not(.marker)').count()) === 10);
    await filter.fill('');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Errors only' }).click();
    await waitFor('errors alone', async () => {
      const lines = await log.locator('.line:not(.marker)').allTextContents();
      return lines.length === 1 && lines[0]?.endsWith('to stderr');
    });
    await page.getByRole('button', { name: 'Errors only' }).click();
    await container.svctl('restart', 'talks');
    await waitFor('two runs', async () => (await log.getByText(/of run \d+/).count()) === 2);
    await page.getByRole('button', { name: 'Previous run' }).click();
    await waitFor('the first run', async () => {
      const runs = await log.getByText(/of run \d+/).allTextContents();
      return runs.length === 1 && runs[0]?.slice(-6) === firstRun?.slice(-6);
    });
    await page.getByRole('button', { name: 'Times' }).click();
    await log.getByText(/^of run \d+$/).waitFor();
  });

  test('shows how many lines came too fast for the page', async () => {
    const page = await view('services');
    await page.route('**/api/logs?*', (route) => route.fulfill({ body: '{"kind":"skipped","count":1234}\n' }));
    await page.goto(`${dashboard.origin}/#/logs/0%2Fweb`);
    await page.locator('.log .gap').getByText('1234 lines came too fast for this page and were skipped').waitFor();
  });

  test('resets failed services', async () => {
    const page = await view('service/0/broken');
    await order(page, 'reset');
    await note(page, /broken: (reset|nothing to do)/);
  });

  test('shows the definition, the boot, the processes and the events', async () => {
    const page = await view('service/0/web');
    await page.getByRole('cell', { name: '"longrun"' }).waitFor();
    await page.goto(`${dashboard.origin}/#/boot`);
    await page.getByAltText(/Timeline of the boot/).waitFor();
    await page.goto(`${dashboard.origin}/#/processes`);
    await page.getByRole('cell', { name: 'controller' }).first().waitFor();
    await page.goto(`${dashboard.origin}/#/events`);
    await page
      .getByText(/run 1 started/)
      .first()
      .waitFor();
  });

  test('goes on after the controller is killed', async () => {
    const page = await view('services');
    await page.getByLabel('Filter by name, state, tag or host').fill('many-7');
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', async () => (await container.svctl('start', 'many-7')).code === 0);
    await page.locator('tbody tr').first().getByText('● up').waitFor();
  });

  test('refuses a page of another origin, another Host, and requests without the token', async () => {
    const attacker = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>attack</title>');
    });
    await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
    const page = await (await browser.newContext()).newPage();
    await page.goto(`http://localhost:${(attacker.address() as AddressInfo).port}/`);
    const results = await page.evaluate(
      async ({ origin, token }) => {
        const Authorization = `Bearer ${token}`;
        const tries = [
          fetch(`${origin}/api/boot?host=0`),
          fetch(`${origin}/api/boot?host=0`, { headers: { Authorization } }),
        ];
        const json = { Authorization, 'Content-Type': 'application/json' };
        tries.push(fetch(`${origin}/api/order`, { method: 'POST', headers: json, body: '{}' }));
        return (await Promise.allSettled(tries)).map(({ status }) => status);
      },
      { origin: dashboard.origin, token: dashboard.token },
    );
    attacker.close();
    expect(results).toEqual(['rejected', 'rejected', 'rejected']);
    const ask = (headers: Readonly<Record<string, string>>) =>
      fetch(`${dashboard.origin}/api/boot?host=0`, { headers });
    const right = { Authorization: `Bearer ${dashboard.token}` };
    expect((await ask(right)).status).toBe(200);
    expect((await ask({})).status).toBe(401);
    expect((await ask({ ...right, Origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask({ ...right, 'Sec-Fetch-Site': 'same-site' })).status).toBe(403);
  });

  test('changes nothing with --read-only', async () => {
    const readOnly = await ServedDashboard.start(browser, ['--socket', container.socket], ['--read-only']);
    const page = await readOnly.open();
    await page.getByText('read-only').waitFor();
    await page.getByRole('link', { name: 'web', exact: true }).waitFor();
    expect(await page.locator('.pick, .orders').count()).toBe(0);
    const answer = await fetch(`${readOnly.origin}/api/order`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${readOnly.token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ order: { verb: 'stop' }, targets: [{ host: 0, names: ['web'] }] }),
    });
    await readOnly.end();
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { error: 'the dashboard was started with --read-only' },
    ]);
  });
});
