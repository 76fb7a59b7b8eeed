/** svctl top and svctl dashboard, while a log that they show grows by 10,000 lines a second. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Container, nowMs, until } from '../container.mjs';
import { cpuMs, memory } from '../proc.mjs';
import { MY_INIT, SUPERVISORS } from '../supervisors.mjs';
import { inPath } from '../tools.mjs';

const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));
const RELAY = fileURLToPath(new URL('../../test/helpers/terminal-relay.py', import.meta.url));
const BROWSER = '/usr/bin/chromium-headless-shell';
const [ROWS, COLUMNS] = [60, 200];
const SECONDS = 10;
const WITHIN_MS = 60_000;
/**
 * Output that follows the output before it within this time belongs to the same frame: frames are
 * 16 ms apart.
 */
const SAME_FRAME_MS = 5;
/** Writes 10,000 numbered lines a second. */
const STORM = `
const beginMs = performance.now();
let said = 0;
setInterval(() => {
  const due = Math.floor((performance.now() - beginMs) * 10);
  let text = '';
  while (said < due) text += 'line ' + (said += 1) + ' of a service that has a lot to say\\n';
  process.stdout.write(text);
}, 5);
`;

export const rounds = 3;
export const contenders = [SUPERVISORS.my_init];

export async function run(_contender, record) {
  const container = new Container(prepare);
  const socket = join(container.directory, 'run/my_init.sock');
  try {
    await until('my_init to listen', WITHIN_MS, () => existsSync(socket));
    if (inPath('python3')) await onTerminal(socket, record);
    if (existsSync(BROWSER)) await inBrowser(socket, record);
  } finally {
    await container.dispose();
  }
}

function prepare(directory) {
  const services = join(directory, 'service');
  mkdirSync(join(services, 'storm'), { recursive: true });
  writeFileSync(join(services, 'storm/storm.js'), STORM);
  writeFileSync(join(services, 'storm/run'), `#!/bin/sh\nexec ${process.execPath} storm.js\n`, { mode: 0o755 });
  const socket = join(directory, 'run/my_init.sock');
  return { command: [MY_INIT, '--service-dir', services, '--socket', socket, '--http-listen', 'none'] };
}

async function onTerminal(socket, record) {
  const command = [RELAY, String(ROWS), String(COLUMNS), SVCTL, '--socket', socket, 'top'];
  const relay = spawn('python3', command, {
    env: { ...process.env, TERM: 'xterm-256color' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let [written, pid, frames, lastMs] = ['', 0, 0, 0];
  relay.stderr.once('data', (chunk) => {
    pid = Number(chunk.toString().split('\n')[0]);
  });
  relay.stdout.on('data', (chunk) => {
    const now = nowMs();
    if (now - lastMs > SAME_FRAME_MS) frames++;
    lastMs = now;
    written = (written + chunk.toString('latin1')).slice(-50_000);
  });
  try {
    await until('the services', WITHIN_MS, () => written.includes('storm'));
    relay.stdin.write('l');
    await until('the log', WITHIN_MS, () => written.includes('a lot to say'));
    await delay(2_000);
    const before = { frames, cpuMs: cpuMs(pid), atMs: nowMs() };
    await delay(SECONDS * 1000);
    const seconds = (nowMs() - before.atMs) / 1000;
    record('frames while 10,000 lines a second come', 'a second', (frames - before.frames) / seconds, 'svctl top');
    recordUse(record, 'svctl top', pid, before, seconds);
  } finally {
    relay.stdin.write('\x03');
    await new Promise((resolve) => relay.once('close', resolve));
  }
}

async function inBrowser(socket, record) {
  const { chromium } = await import('playwright-core');
  const served = spawn(SVCTL, ['--socket', socket, 'dashboard', '--no-open'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] });
  try {
    const url = await new Promise((resolve) => served.stdout.once('data', (line) => resolve(String(line).trim())));
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole('link', { name: 'Services' }).waitFor();
    await page.goto(`${new URL(url).origin}/#/logs/0%2Fstorm`);
    await page
      .getByText(/a lot to say/)
      .first()
      .waitFor();
    await delay(2_000);
    const before = { cpuMs: cpuMs(served.pid), atMs: nowMs() };
    const drawn = await page.evaluate(framesWithin, SECONDS * 1000);
    const seconds = (nowMs() - before.atMs) / 1000;
    record('frames while 10,000 lines a second come', 'a second', drawn, 'svctl dashboard');
    recordUse(record, 'svctl dashboard', served.pid, before, seconds);
  } finally {
    await browser.close();
    served.kill('SIGTERM');
  }
}

function recordUse(record, of, pid, before, seconds) {
  record('CPU of svctl meanwhile', '%', (cpuMs(pid) - before.cpuMs) / seconds / 10, of);
  record('memory of svctl meanwhile', 'MB', memory(pid).pss / 1024, of);
}

/** In the page: how many frames a second it draws. */
function framesWithin(ms) {
  return new Promise((resolve) => {
    const begin = performance.now();
    let frames = 0;
    const next = (now) => {
      frames++;
      if (now - begin < ms) requestAnimationFrame(next);
      else resolve((frames * 1000) / (now - begin));
    };
    requestAnimationFrame(next);
  });
}
