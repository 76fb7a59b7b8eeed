import { once } from 'node:events';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { usage } from '../options.js';
import { Problem } from '../problem.js';

export const dashboard: Command = {
  name: 'dashboard',
  summary: 'services, resources and logs as a web page',
  usage: '',
  operands: 'none',
  description:
    'Serves a web page that shows the services, kept current: states over time, resources, logs with search, dependencies, the boot, processes and events. Services are started, stopped, restarted, reloaded, signalled, held, released and reset after a confirmation. svctl itself serves the page on 127.0.0.1, until Ctrl-C, to everyone who has the URL with its token. The page has your permissions.',
  examples: [
    'svctl dashboard',
    'svctl dashboard --read-only --no-open',
    'svctl -H ssh://server/app -H docker://web dashboard',
  ],
  hosts: 'follows',
  options: [
    { name: 'read-only', help: 'the page changes nothing' },
    { name: 'no-open', help: 'open no browser' },
    { name: 'port', value: 'PORT', help: 'listen on this port (any free one)' },
  ],
  run: (context) => serve([context], context),
  runOnHosts: serve,
};

async function serve(hosts: readonly Context[], terminal: Context): Promise<ExitCode> {
  const port = portOf(terminal.option('port'));
  // The page is larger than the rest of svctl.
  const { Dashboard } = await import('../../dashboard/web/dashboard.js');
  const { hasBrowser, openBrowser } = await import('../../dashboard/web/open-browser.js');
  const served = new Dashboard(
    hosts.map(({ target }) => target),
    terminal.has('read-only'),
  );
  const url = await served.start(port).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem(ExitCode.failed, `cannot serve the dashboard on port ${port}: ${why}`, 'Take another --port.');
  });
  const ended = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  process.stdout.write(`${url}\n`);
  process.stderr.write('Whoever has this URL may do what you may do. Ctrl-C ends the dashboard.\n');
  const failed = (why: string): void => terminal.remark(`cannot open a browser (${why}): open the URL in one yourself`);
  const cleanUp = !terminal.has('no-open') && hasBrowser() ? openBrowser(url, failed) : () => undefined;
  await ended;
  served.close();
  cleanUp();
  return ExitCode.ok;
}

function portOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw usage(`--port cannot be "${text}": use a number from 0 to 65535`);
  return port;
}
