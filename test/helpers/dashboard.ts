import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { waitFor } from './wait-for.js';

const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));

/** Debian's browser without a screen. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium-headless-shell', args: ['--no-sandbox'] });
}

/** A running `svctl dashboard`, and its pages in a browser. */
export class ServedDashboard {
  readonly #process: ChildProcess;
  readonly #browser: Browser;
  #output = '';

  private constructor(browser: Browser, child: ChildProcess) {
    this.#browser = browser;
    this.#process = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
  }

  /** Starts svctl with arguments before and after the command. */
  static async start(
    browser: Browser,
    before: readonly string[],
    after: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ) {
    const child = spawn(SVCTL, [...before, 'dashboard', '--no-open', ...after], {
      env: { PATH: process.env.PATH, HOME: '/root', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const dashboard = new ServedDashboard(browser, child);
    await waitFor('the URL of the dashboard', () => dashboard.#output.includes('\n'));
    return dashboard;
  }

  /** The address that svctl prints. */
  get url(): string {
    return this.#output.trim();
  }

  get origin(): string {
    return new URL(this.url).origin;
  }

  get token(): string {
    return this.url.split('#token=')[1] ?? '';
  }

  /** A page of its own, with a session of its own. `say` gets the text of its console. */
  async open(options: BrowserContextOptions = {}, say: (text: string) => void = () => undefined): Promise<Page> {
    const page = await (await this.#browser.newContext(options)).newPage();
    page.setDefaultTimeout(60_000);
    page.on('console', (message) => say(message.text()));
    page.on('pageerror', (error) => say(error.message));
    await page.goto(this.url);
    return page;
  }

  /** The same, at one of the views: `services`, `service/web`. */
  async view(hash: string, say?: (text: string) => void): Promise<Page> {
    const page = await this.open({}, say);
    await page.getByRole('link', { name: 'Services' }).waitFor();
    await page.goto(`${this.origin}/#/${hash}`);
    return page;
  }

  /** Resolves with the exit code of svctl. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return this.#process.exitCode;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    const [code] = await ended;
    return code;
  }
}
