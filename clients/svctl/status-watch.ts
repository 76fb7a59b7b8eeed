import { Init, type LogLoss, type Service, watch } from '../typescript/src/index.js';
import type { Context } from './context.js';
import { ExitCode } from './exit-code.js';
import { isInTrouble, summaryWords } from './phrases.js';
import { type Extras, extrasOf, NO_EXTRAS, statusTable } from './status-table.js';
import { Terminal } from './terminal.js';
import { tableText } from './text/table.js';

/** Times are shown in seconds. */
const CLOCK_MS = 1_000;
/** Changes within this time are drawn at once, and their logs asked for once. */
const QUIET_MS = 100;
/** The terminal's second screen, without a cursor; the first screen comes back at the end. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * `svctl status --watch`: the table, drawn again at each change and each second. Asks for nothing
 * while nothing changes.
 */
export async function watchStatus(context: Context): Promise<ExitCode> {
  const screen = new Screen(context);
  const leave = (): boolean => process.stdout.write(LEAVE);
  const draw = (): void => screen.draw();
  Terminal.fillScreen(true);
  process.stdout.write(ENTER);
  process.once('exit', leave);
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const)
    process.once(signal, () => process.exit(128 + number));
  process.stdout.on('resize', draw);
  const clock = setInterval(draw, CLOCK_MS);
  try {
    for await (const event of watch(context.connection, context.operands)) {
      if (event.kind === 'snapshot') screen.replace(event.services);
      else if (event.kind === 'change') screen.change(event.service, event.removed);
    }
    return ExitCode.ok;
  } finally {
    clearInterval(clock);
    process.stdout.off('resize', draw);
    screen.close();
    // An error is printed on the first screen.
    process.off('exit', leave);
    leave();
    Terminal.fillScreen(false);
  }
}

class Screen {
  readonly #context: Context;
  #services = new Map<string, Service>();
  #extras: Extras = NO_EXTRAS;
  #known = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  replace(services: readonly Service[]): void {
    this.#services = new Map(services.map((service) => [service.name, service]));
    this.#known = true;
    this.#drawSoon();
  }

  change(service: Service, removed: boolean): void {
    if (removed) this.#services.delete(service.name);
    else this.#services.set(service.name, service);
    this.#drawSoon();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#known = false;
  }

  draw(): void {
    if (!this.#known) return;
    const { rows = 24 } = process.stdout;
    const all = [...this.#services.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const shown = this.#context.has('failed') ? all.filter(isInTrouble) : all;
    const { summary: _, ...table } = statusTable(shown, this.#context, Date.now(), this.#extras);
    const lines = tableText(table, this.#context).trimEnd().split('\n');
    const room = Math.max(2, rows - 2);
    const kept =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
    const text = [...kept, this.#context.paint('faint', summaryWords(all))]
      .map((line) => `${line}${CLEAR_LINE}\n`)
      .join('');
    process.stdout.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  #drawSoon(): void {
    this.#timer ??= setTimeout(async () => {
      this.#timer = undefined;
      this.draw();
      this.#extras = await extrasOf([...this.#services.values()], await this.#losses(), this.#context);
      this.draw();
    }, QUIET_MS);
  }

  /** The losses of logs are no changes of a service, so Watch does not report them. */
  async #losses(): Promise<readonly LogLoss[]> {
    try {
      return (await this.#context.ask(Init.getInfo, {})).logLosses;
    } catch {
      return [];
    }
  }
}
