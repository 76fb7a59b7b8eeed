import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestContainer } from './container.js';
import { Relay } from './relay.js';
import { waitFor } from './wait-for.js';

/** The requests and answers of a driver: see clients/conformance/README.md. */
type Value = Readonly<Record<string, unknown>>;

interface EnvironmentStep {
  readonly environment: string;
  readonly path?: string;
  readonly service?: string;
  readonly text?: string;
}

type Step =
  | EnvironmentStep
  | {
      readonly call: string;
      readonly with?: Value;
      readonly result?: unknown;
      readonly error?: Value;
      remember?: string;
    }
  | { readonly open: string; readonly as: string; readonly with?: Value }
  | { readonly event: string; readonly is: Value; readonly remember?: string }
  | { readonly never: string; readonly is: Value }
  | { readonly result: string; readonly is: unknown }
  | { readonly end: string }
  | { readonly cancel: string; readonly error: Value }
  | { readonly runs: string; readonly since: string; readonly are: number };

interface Scenarios {
  readonly arguments: readonly string[];
  readonly services: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly scenarios: readonly {
    readonly name: string;
    readonly as?: 'stranger' | 'lost';
    readonly steps: readonly Step[];
  }[];
}

const {
  arguments: args,
  services,
  scenarios,
}: Scenarios = JSON.parse(readFileSync('clients/conformance/scenarios.json', 'utf8'));

/**
 * A user who may connect and read, but not change anything. The driver can still read the files of
 * the libraries wherever they are.
 */
const STRANGER = ['setpriv', '--reuid=4321', '--regid=4321', '--clear-groups', '--inh-caps=+dac_read_search'];
const AS_STRANGER = [...STRANGER, '--ambient-caps=+dac_read_search', '--'];

/** Plays the scenarios with a library; `command` starts its driver with the path of a socket. */
export function conforms(command: (socket: string) => readonly string[]): void {
  let container: TestContainer;
  const relay = new Relay();
  beforeAll(async () => {
    container = await TestContainer.boot({ args });
    relay.target = container.socket;
    await relay.listen();
    for (const [name, files] of Object.entries(services)) container.addService(name, placed(files));
  });
  afterAll(async () => {
    await relay.close();
    await container.dispose();
  });

  const placed = (files: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(files).map(([name, text]) => [name, text.replaceAll('{directory}', container.directory)]),
    );

  for (const { name, as, steps } of scenarios) {
    test(name, async () => {
      const socket = as === 'stranger' ? container.socket : as === 'lost' ? '/nowhere.sock' : relay.path;
      const driver = new Driver([...(as === 'stranger' ? AS_STRANGER : []), ...command(socket)]);
      const play = new Play(container, relay, driver);
      try {
        for (const step of steps) await play.step(step);
      } catch (error) {
        throw new Error(
          `${String(error)}\n${driver.said}\n${container
            .log()
            .replace(/^\d+\n/gm, '')
            .slice(-3000)}`,
        );
      } finally {
        await driver.end();
      }
    });
  }
}

/** One scenario. */
class Play {
  readonly #streams = new Map<string, number>();
  readonly #remembered = new Map<string, unknown>();

  constructor(
    private readonly container: TestContainer,
    private readonly relay: Relay,
    private readonly driver: Driver,
  ) {
    this.#remembered.set('version', JSON.parse(readFileSync('package.json', 'utf8')).version);
  }

  async step(step: Step): Promise<void> {
    if ('environment' in step) return this.#environment(step);
    if ('call' in step) {
      const answer = await this.driver.answer(this.driver.tell(step.call, this.#filled(step.with ?? {})));
      const expected = step.error === undefined ? { result: step.result ?? {} } : { error: step.error };
      expect(answer).toMatchObject(this.#filled(expected));
      if (step.remember !== undefined) this.#remembered.set(step.remember, answer.result);
    } else if ('open' in step) {
      this.#streams.set(step.as, this.driver.tell(step.open, this.#filled(step.with ?? {})));
    } else if ('event' in step) {
      const event = await this.driver.event(this.#id(step.event), step.is);
      if (step.remember !== undefined) this.#remembered.set(step.remember, event.cursor);
    } else if ('never' in step) {
      for (const { event } of this.driver.of(this.#id(step.never))) expect(event).not.toMatchObject(step.is);
    } else if ('result' in step) {
      expect(await this.driver.answer(this.#id(step.result))).toMatchObject({ result: step.is });
    } else if ('end' in step) {
      expect(await this.driver.answer(this.#id(step.end))).toMatchObject({ end: true });
    } else if ('cancel' in step) {
      this.driver.cancel(this.#id(step.cancel));
      expect(await this.driver.answer(this.#id(step.cancel))).toMatchObject({ error: step.error });
    } else {
      const before = this.#remembered.get(step.since) as { readonly run: number };
      const { run } = await this.container.status(step.runs);
      expect(run).toBe(before.run + step.are);
    }
  }

  async #environment({ environment, path = '', service = '', text = '' }: EnvironmentStep): Promise<void> {
    const { container } = this;
    const file = join(container.directory, path);
    switch (environment) {
      case 'make':
        return writeFileSync(file, '');
      case 'remove':
        return rmSync(file, { force: true });
      case 'kill controller': {
        const pid = container.controllerPid;
        process.kill(pid, 'SIGKILL');
        await waitFor('the next controller', async () => {
          const { stdout, code } = await container.svctl('info', '-o', 'json');
          return code === 0 && Number(JSON.parse(stdout).controllerRestarts ?? 0) > 0 && !existsSync(`/proc/${pid}`);
        });
        return;
      }
      case 'cut connections':
        return this.relay.cut();
      case 'ready':
        await waitFor(`${service} to be ready`, async () => (await container.status(service)).ready === true);
        return;
      case 'starting':
        await container.reaches(service, 'starting');
        return;
      case 'define':
        await container.reaches(service, 'up');
        container.write(join(service, 'service.yaml'), text);
        await waitFor(`the changed definition of ${service}`, async () => {
          return (await container.status(service)).definitionChanged === true;
        });
        return;
      default:
        throw new Error(`no event of the environment: ${environment}`);
    }
  }

  #id(name: string): number {
    const id = this.#streams.get(name);
    if (id === undefined) throw new Error(`no stream ${name}`);
    return id;
  }

  /** Replaces words in braces by the values that were remembered under these names. */
  #filled<T>(value: T): T {
    return JSON.parse(JSON.stringify(value), (_key, part) => {
      const name = typeof part === 'string' ? /^\{(\w+)\}$/.exec(part)?.[1] : undefined;
      return name === undefined ? part : this.#remembered.get(name);
    });
  }
}

interface Answer {
  readonly id: number;
  readonly event?: Value;
  readonly result?: unknown;
  readonly error?: Value;
  readonly end?: true;
}

/** The program of a library that makes the calls. */
class Driver {
  readonly #process: ChildProcess;
  readonly #answers: Answer[] = [];
  readonly #taken = new Map<number, number>();
  readonly #ended: Promise<unknown>;
  #last = 0;
  said = '';

  constructor([program = '', ...words]: readonly string[]) {
    this.#process = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stderr?.on('data', (text) => {
      this.said += text;
    });
    this.#ended = new Promise((end) => this.#process.once('close', end));
    if (this.#process.stdout === null) throw new Error('no output');
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      this.said = `${this.said}${line.slice(0, 400)}\n`.slice(-8000);
      this.#answers.push(JSON.parse(line));
    });
  }

  /** Makes a call. Returns its id. */
  tell(call: string, values: Value): number {
    const id = ++this.#last;
    this.#process.stdin?.write(`${JSON.stringify({ id, call, with: values })}\n`);
    return id;
  }

  cancel(id: number): void {
    this.#process.stdin?.write(`${JSON.stringify({ id, cancel: true })}\n`);
  }

  of(id: number): readonly Answer[] {
    return this.#answers.filter((answer) => answer.id === id);
  }

  /** The end of a call. */
  answer(id: number): Promise<Answer> {
    return waitFor(`the answer of call ${id}`, () => this.of(id).find(({ event }) => event === undefined));
  }

  /** The next event like this, after the event that was asked for before. */
  async event(id: number, like: Value): Promise<Value> {
    return waitFor(`an event like ${JSON.stringify(like)}`, () => {
      const all = this.of(id);
      const from = this.#taken.get(id) ?? 0;
      const index = all.findIndex(({ event }, at) => at >= from && event !== undefined && matches(event, like));
      if (index < 0) return undefined;
      this.#taken.set(id, index + 1);
      return all[index]?.event;
    });
  }

  /** Ends the driver, and leaves nothing of it behind. */
  async end(): Promise<void> {
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(timer);
  }
}

function matches(value: Value, like: Value): boolean {
  try {
    expect(value).toMatchObject(like);
    return true;
  } catch {
    return false;
  }
}
