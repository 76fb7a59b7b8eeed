/**
 * Several containers that are pods to `test/helpers/kubectl`, and svctl on a machine that has this
 * kubectl.
 */

import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type MyInit, ServiceState } from '../../clients/typescript/src/index.js';
import { type ContainerOptions, TestContainer } from './container.js';
import { collect, type Ended, type Running } from './svctl.js';
import { waitFor } from './wait-for.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SVCTL = join(HERE, '../../dist/svctl.js');
/** Each boot takes a good part of a processor. */
const BOOTS_AT_ONCE = 4;

export class Fleet {
  readonly directory = mkdtempSync(join(tmpdir(), 'fleet-'));
  readonly containers: TestContainer[] = [];
  readonly #started: Running[] = [];
  readonly #pods = join(this.directory, 'pods');

  private constructor() {
    mkdirSync(this.#pods);
    const bin = join(this.directory, 'bin');
    mkdirSync(bin);
    symlinkSync(join(HERE, 'kubectl'), join(bin, 'kubectl'));
    for (const name of ['svctl', 'kubectl-svctl']) symlinkSync(SVCTL, join(bin, name));
  }

  /**
   * Boots `web-1`, `web-2` …, each with these services, and waits until all of them are up; the
   * first few are the pods of `deploy/few` too.
   */
  static async boot(count: number, few: number, optionsOf: (number: number) => ContainerOptions): Promise<Fleet> {
    const fleet = new Fleet();
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    const worker = async (): Promise<void> => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
        const container = await TestContainer.boot({ ...optionsOf(number), unattended: true });
        fleet.containers[number - 1] = container;
        fleet.addPod(`web-${number}`, container.socket, number <= few ? ['few=yes'] : []);
        await fleet.isUp(number);
      }
    };
    await Promise.all(Array.from({ length: BOOTS_AT_ONCE }, worker));
    return fleet;
  }

  /** Asks without a svctl process for each question: there are many containers. */
  async isUp(number: number): Promise<void> {
    const my = this.client(number);
    await waitFor(`web-${number} to be up`, async () => {
      const services = await my.services([], { timeoutMs: 60_000 }).catch(() => []);
      return services.length > 0 && services.every(({ state }) => state === ServiceState.SERVICE_STATE_UP);
    });
    my.close();
  }

  client(number: number): MyInit {
    const container = this.containers[number - 1];
    if (container === undefined) throw new RangeError(`there is no web-${number}`);
    return connect(container.socket);
  }

  /** Adds a pod with the label app=web and these labels. */
  addPod(name: string, socket: string, labels: readonly string[] = []): void {
    mkdirSync(join(this.#pods, name));
    writeFileSync(join(this.#pods, name, 'labels'), `${['app=web', ...labels].join('\n')}\n`);
    writeFileSync(join(this.#pods, name, 'socket'), socket);
  }

  /** Cuts the connections of `kubectl exec` to a pod; `kubectl exec` then exits with 0. */
  cut(pod: string): void {
    this.mark(pod, 'cut');
    const place = join(this.#pods, pod);
    for (const file of readdirSync(place).filter((name) => name.startsWith('inside.'))) {
      try {
        process.kill(Number(readFileSync(join(place, file), 'utf8')), 'SIGKILL');
      } catch (error) {
        // The process has just ended by itself.
        if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
  }

  removePod(name: string): void {
    rmSync(join(this.#pods, name), { recursive: true, maxRetries: 20 });
  }

  /** Makes kubectl behave differently for a pod: `hangs`, `distroless`, `old`, or its `phase`. */
  mark(pod: string, mark: string, content = ''): void {
    writeFileSync(join(this.#pods, pod, mark), content);
  }

  unmark(pod: string, mark: string): void {
    rmSync(join(this.#pods, pod, mark), { force: true });
  }

  has(pod: string, mark: string): boolean {
    return existsSync(join(this.#pods, pod, mark));
  }

  start(args: readonly string[], environment: NodeJS.ProcessEnv = {}, program = 'svctl'): Running {
    const { MY_INIT_SOCKET: _socket, NODE_OPTIONS: _options, ...own } = process.env;
    const PATH = `${join(this.directory, 'bin')}:${own.PATH}`;
    const env = { ...own, PATH, KUBECTL_PODS: this.#pods, KUBECTL_NOTES: this.#notes, ...environment };
    const running = collect(spawn(join(this.directory, 'bin', program), args, { env }));
    this.#started.push(running);
    return running;
  }

  run(args: readonly string[], environment: NodeJS.ProcessEnv = {}, program = 'svctl'): Promise<Ended> {
    return this.start(args, environment, program).ended;
  }

  get #notes(): string {
    return join(this.directory, 'notes');
  }

  async dispose(): Promise<void> {
    // A svctl that a failed test has left behind would keep jest waiting.
    for (const { process: child } of this.#started) child.kill('SIGKILL');
    await Promise.all(this.containers.map((container) => container.dispose()));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20 });
  }
}
