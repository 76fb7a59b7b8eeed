import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ended } from './container.js';

const HOST = fileURLToPath(new URL('svctl-host.cjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));

/** Processes that run the built svctl: one for each call under way, each for many calls. */
export class SvctlHosts {
  readonly #svctl: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #all = new Set<ChildProcess>();
  readonly #idle: ChildProcess[] = [];

  constructor(svctl = BUILT, environment: NodeJS.ProcessEnv = process.env) {
    this.#svctl = svctl;
    this.#environment = environment;
  }

  async run(words: readonly string[]): Promise<Ended> {
    const host = this.#idle.pop() ?? this.#start();
    const answered = new AbortController();
    const { signal } = answered;
    const died = once(host, 'exit', { signal }).then(() =>
      Promise.reject(new Error(`no answer of svctl ${words.join(' ')}`)),
    );
    host.send(words);
    const [ended] = await Promise.race([once(host, 'message', { signal }), died]);
    answered.abort();
    this.#idle.push(host);
    return ended;
  }

  dispose(): void {
    for (const host of this.#all) host.kill('SIGKILL');
    this.#all.clear();
    this.#idle.length = 0;
  }

  #start(): ChildProcess {
    const { NODE_OPTIONS: _options, ...env } = this.#environment;
    const host = fork(HOST, [this.#svctl], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#all.add(host);
    return host;
  }
}
