import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ended } from './container.js';

const HOST = fileURLToPath(new URL('svctl-host.cjs', import.meta.url));
const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));

/** Processes that run the built svctl: one for each call under way, each for many calls. */
export class SvctlHosts {
  readonly #all = new Set<ChildProcess>();
  readonly #idle: ChildProcess[] = [];

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
    const { NODE_OPTIONS: _options, ...env } = process.env;
    const host = fork(HOST, [SVCTL], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#all.add(host);
    return host;
  }
}
