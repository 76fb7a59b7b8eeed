// Makes the pictures of docs/looking: npm run screenshots. A real my_init runs the examples;
// Debian's chromium-headless-shell looks at the dashboard, and at the screen of svctl top.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { chromium } from 'playwright-core';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const SVCTL = place('../dist/svctl.js');
const OUT = place('../docs/looking');
/** Meanwhile the services crash, restart and use resources. */
const HISTORY_MS = Number(process.env.HISTORY_SECONDS ?? 60) * 1000;
const [ROWS, COLUMNS] = [12, 118];

const directory = mkdtempSync(join(tmpdir(), 'my_init-'));
const socket = join(directory, 'my_init.sock');
const env = { ...process.env, MY_INIT_SOCKET: socket, MY_INIT_HTTP_LISTEN: 'none', TERM: 'xterm-256color' };
// The pictures show the path of the services.
const services = join(directory, 'service');
cpSync(place('../examples/services'), services, { recursive: true });
const options = ['--socket', socket, '--service-dir', services];
const container = spawn('node', [place('../examples/start.mjs'), ...options], { env, stdio: 'ignore' });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium-headless-shell', args: ['--no-sandbox'] });
try {
  await delay(5_000);
  const served = spawn(SVCTL, ['dashboard', '--no-open'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const url = await new Promise((resolve) => served.stdout.once('data', (line) => resolve(String(line).trim())));
  await delay(HISTORY_MS);
  for (const colorScheme of ['light', 'dark']) {
    await picture(url, colorScheme, 'services', 'dashboard', 280);
    await picture(url, colorScheme, 'service/0/web', 'service', 520);
    await picture(url, colorScheme, 'logs', 'logs', 420);
    await picture(url, colorScheme, 'timeline', 'timeline', 260);
  }
  served.kill();
  await terminalPicture(await screenOf(['top']), 'top');
} finally {
  await browser.close();
  container.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
}

async function picture(url, colorScheme, view, name, height) {
  const page = await browser.newPage({ viewport: { width: 1100, height }, colorScheme });
  await page.goto(url);
  await page.getByRole('link', { name: 'Services' }).waitFor();
  await page.goto(`${new URL(url).origin}/#/${view}`);
  // Time for two samples of resource use.
  await delay(4_500);
  await page.screenshot({ path: join(OUT, `${name}-${colorScheme}.png`) });
  await page.close();
}

/** The screen of a program on a terminal, after a while. */
async function screenOf(args) {
  const terminal = new xterm.Terminal({ rows: ROWS, cols: COLUMNS, allowProposedApi: true });
  const relay = place('../test/helpers/terminal-relay.py');
  const program = spawn('python3', [relay, String(ROWS), String(COLUMNS), SVCTL, ...args], {
    env,
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
  });
  program.stdout.on('data', (chunk) => terminal.write(chunk));
  await delay(12_000);
  program.kill('SIGKILL');
  return terminal;
}

/** The cells of a terminal as a page of text, as it looks on a dark background. */
async function terminalPicture(terminal, name) {
  const page = await browser.newPage({ viewport: { width: 10 + COLUMNS * 9 + 10, height: 20 + ROWS * 18 } });
  await page.setContent(
    '<body style="margin:0;background:#12151b"><pre style="margin:10px;font:15px/18px DejaVu Sans Mono,monospace;color:#e6e9ef"></pre>',
  );
  const lines = Array.from({ length: ROWS }, (_, row) => cellsOf(terminal.buffer.active.getLine(row)));
  await page.evaluate((shown) => {
    const COLOURS = ['#1a1e26', '#ff8a80', '#7bd88f', '#f0b24a', '#8ab8ff', '#d3a4f0', '#4cc9b8', '#e6e9ef'];
    const box = document.querySelector('pre');
    for (const line of shown) {
      for (const { text, colour, inverse, dim, bold } of line) {
        const part = document.createElement('span');
        const front = COLOURS[colour] ?? '#e6e9ef';
        part.textContent = text;
        part.style.color = inverse ? '#12151b' : front;
        if (inverse) part.style.background = front;
        if (dim) part.style.opacity = '0.65';
        if (bold) part.style.fontWeight = 'bold';
        box.append(part);
      }
      box.append('\n');
    }
  }, lines);
  await page.locator('pre').screenshot({ path: join(OUT, `${name}.png`) });
}

function cellsOf(line) {
  return Array.from({ length: COLUMNS }, (_, column) => {
    const cell = line.getCell(column);
    return {
      text: cell.getChars() || ' ',
      colour: cell.isFgDefault() ? -1 : cell.getFgColor() % 8,
      inverse: cell.isInverse() !== 0,
      dim: cell.isDim() !== 0,
      bold: cell.isBold() !== 0,
    };
  });
}
