import type { Command, Commands } from '../command.js';
import { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { type CommandLine, usage } from '../options.js';
import { Problem, problemOf } from '../problem.js';
import { addressOf } from './address.js';
import { confirmChange } from './confirm.js';
import { Gate } from './gate.js';
import { type Host, type HostAnswer, HostContext, type Piece, type Sink } from './host-context.js';
import { shortLabels } from './labels.js';
import { commonCode, flat, ofHost, prefixed, showAnswers } from './merge.js';
import { resolveTargets } from './resolve.js';
import { nameOf, parseTarget, type Single, type Target } from './target.js';

export interface Order {
  readonly command: Command;
  readonly commands: Commands;
  readonly operands: readonly string[];
  readonly given: CommandLine['given'];
}

/** So many tools are started at once. Each is a process, and one svctl more at the other end. */
const MAX_PARALLEL = 16;

/** A person who waits wants to see the hosts that are still missing. */
const WAITING_MS = 3_000;

/**
 * Runs a command for the my_init of other containers. `hosts` as on the command line. Throws
 * {@link Problem}.
 */
export function runOnHosts(order: Order & { readonly hosts: readonly string[] }): Promise<ExitCode> {
  return runOnTargets(order, order.hosts.flatMap(hostsIn).map(parseTarget));
}

/**
 * MY_INIT_HOST may hold several, between spaces or commas. Labels (`-l app=web,tier=front`) have
 * both.
 */
function hostsIn(text: string): string[] {
  return text.trim().split(/[\s,]+(?=[a-z][a-z0-9]*:\/\/)/);
}

export async function runOnTargets(order: Order, wanted: readonly Target[]): Promise<ExitCode> {
  const { given, command } = order;
  const gate = new Gate(parallel(given.get('max-parallel')));
  const { targets, problems, remarks } = await resolveTargets(wanted);
  const [problem] = problems;
  const [only, ...others] = targets;
  const terminal = new Context(order.operands, given);
  for (const remark of remarks) terminal.note(remark);
  if (only === undefined) throw problem ?? usage('no host');
  if (others.length === 0 && problems.length === 0) return runOnOne(order, only, gate, terminal);
  if (command.hosts === 'one') throw usage(`${command.name} takes one host, not ${targets.length}`);
  const fleet = new Fleet(order, targets, gate, terminal);
  if (command.hosts === 'reads' || command.hosts === 'follows') {
    for (const { message } of problems) terminal.note(message);
    const code = await (command.hosts === 'reads' ? fleet.ask() : fleet.follow());
    return problems.length > 0 ? ExitCode.failed : code;
  }
  // A host that cannot be found may be one of those to change: change none.
  if (problem !== undefined) throw problem;
  const words = [command.name, ...order.operands, ...(given.has('all') ? ['--all'] : [])].join(' ');
  const names = targets.map(nameOf);
  await confirmChange(terminal, words, names, given.has('yes'));
  return given.has('rolling') ? fleet.roll() : fleet.ask();
}

function parallel(given: string | undefined): number {
  if (given === undefined) return MAX_PARALLEL;
  if (!/^[1-9]\d{0,3}$/.test(given)) throw usage(`--max-parallel cannot be "${given}": use a number from 1 to 9999`);
  return Number(given);
}

async function runOnOne(order: Order, target: Single, gate: Gate, terminal: Context): Promise<ExitCode> {
  const timeoutMs = terminal.duration('timeout');
  const address = addressOf(target, { gate, timeoutMs, note: (text) => terminal.note(text) });
  const context = new Context(order.operands, order.given, address);
  try {
    return await order.command.run(context, order.commands);
  } finally {
    context.close();
  }
}

/** Several hosts, and one command for them. */
class Fleet {
  readonly #order: Order;
  readonly #targets: readonly Single[];
  readonly #hosts: readonly Host[];
  readonly #gate: Gate;
  readonly #terminal: Context;

  constructor(order: Order, targets: readonly Single[], gate: Gate, terminal: Context) {
    this.#order = order;
    this.#targets = targets;
    this.#gate = gate;
    this.#terminal = terminal;
    const names = targets.map(nameOf);
    const labels = shortLabels(names);
    this.#hosts = names.map((name, at) => ({ name, label: labels[at] ?? name }));
    // Each host listens for Ctrl-C and for the end of the output.
    process.setMaxListeners(0);
    process.stdout.setMaxListeners(0);
  }

  /** All at once, and their answers together. */
  async ask(): Promise<ExitCode> {
    const running = new Set(this.#hosts);
    const waiting = setTimeout(() => this.#sayWaiting([...running]), WAITING_MS);
    const interrupted = (): void => {
      this.#terminal.note('no longer waiting; accepted orders are still carried out; svctl status shows the outcome');
      process.kill(process.pid, 'SIGINT');
    };
    if (this.#order.command.hosts !== 'reads') process.prependOnceListener('SIGINT', interrupted);
    const places = new Gate(parallel(this.#order.given.get('max-parallel')));
    try {
      const answers = await Promise.all(
        this.#hosts.map((host, at) => places.through(() => this.#answer(host, at)).finally(() => running.delete(host))),
      );
      showAnswers(answers, this.#terminal);
      return commonCode(answers);
    } finally {
      clearTimeout(waiting);
      process.off('SIGINT', interrupted);
    }
  }

  /** One host after the other; the first failure ends the command. */
  async roll(): Promise<ExitCode> {
    for (const [at, host] of this.#hosts.entries()) {
      const answer = await this.#answer(host, at);
      showAnswers([answer], this.#terminal);
      if (answer.code === ExitCode.ok) continue;
      const left = this.#hosts.slice(at + 1).map(({ label }) => label);
      const rest = left.length === 0 ? '' : `; not touched: ${left.join(', ')}`;
      this.#terminal.note(`stopped at ${host.label}${rest}`);
      return ExitCode.failed;
    }
    return ExitCode.ok;
  }

  /** All hosts at once; their output appears as it comes. */
  async follow(): Promise<ExitCode> {
    const { command } = this.#order;
    const contexts = this.#hosts.map((host, at) => this.#context(host, at, this.#liveSink(host)));
    try {
      if (command.runOnHosts !== undefined) return await command.runOnHosts(contexts, this.#terminal);
      return commonCode(
        await Promise.all(
          contexts.map(async (context) => {
            const end = await this.#carryOut(context);
            if (end.problem !== undefined) this.#terminal.complainOf(end.problem, context.host.name);
            return end;
          }),
        ),
      );
    } finally {
      for (const context of contexts) context.close();
    }
  }

  async #answer(host: Host, at: number): Promise<HostAnswer> {
    const pieces: Piece[] = [];
    const notes: string[] = [];
    const sink: Sink = { piece: (piece) => pieces.push(piece), note: (text) => notes.push(text) };
    const context = this.#context(host, at, sink);
    try {
      return { host, pieces, notes, ...(await this.#carryOut(context)) };
    } finally {
      context.close();
    }
  }

  async #carryOut(context: HostContext): Promise<Pick<HostAnswer, 'code' | 'problem'>> {
    try {
      return { code: await this.#order.command.run(context, this.#order.commands) };
    } catch (error) {
      const problem = problemOf(error);
      if (!(problem instanceof Problem)) throw error;
      return { code: problem.exitCode, problem };
    }
  }

  #context(host: Host, at: number, sink: Sink): HostContext {
    const { operands, given } = this.#order;
    const target = this.#targets[at];
    if (target === undefined) throw new RangeError(`there is no host ${at}`);
    const note = (text: string): void => sink.note(`svctl: ${text}\n`);
    const address = addressOf(target, { gate: this.#gate, timeoutMs: this.#terminal.duration('timeout'), note });
    return new HostContext(host, address, operands, given, sink);
  }

  #liveSink({ name, label }: Host): Sink {
    const width = Math.max(...this.#hosts.map((host) => host.label.length));
    return {
      piece: (piece) => {
        if (piece.kind === 'text') this.#terminal.print(prefixed(piece.text, label, width));
        if (piece.kind === 'json') this.#terminal.json(flat({ host: name, answer: piece.value }));
      },
      note: (text) => this.#terminal.tell(ofHost(text, label)),
    };
  }

  #sayWaiting(hosts: readonly Host[]): void {
    if (process.stderr.isTTY !== true) return;
    const labels = hosts.slice(0, 5).map(({ label }) => label);
    const more = hosts.length > labels.length ? ` and ${hosts.length - labels.length} more` : '';
    this.#terminal.faintNote(`waiting for ${labels.join(', ')}${more}`);
  }
}
