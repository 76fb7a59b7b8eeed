import { existsSync, readFileSync } from 'node:fs';
import { credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import type { Service } from '../../../gen/my_init/v1/service.js';
import { ServicesClient, WatchRequest, type WatchResponse } from '../../../gen/my_init/v1/services.js';
import { type ContainerOptions, TestContainer } from '../../helpers/container.js';
import { LIMIT_MS, MortalController, STEP } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
afterEach(() => container.dispose());

const boot = async (options: ContainerOptions): Promise<TestContainer> => {
  container = await TestContainer.boot({ installation: mortal.installation, ...options });
  return container;
};

/** A script that writes its word to the log of steps. */
const noting = (word: string, then = ''): string => `#!/bin/sh\necho ${word} >> /run/done\n${then}`;

/** The new steps in one line. */
function done(since = 0): string {
  const path = `/proc/${container.pid}/root/run/done`;
  const words = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  return words.slice(since).join(' ');
}

/** Watches the services and resumes after the last message when the connection breaks. */
class Watcher {
  service: Service | undefined;
  readonly #client: ServicesClient;
  #known: { readonly bootId: string; readonly sinceRevision: bigint } | undefined;
  #closed = false;

  constructor(socket: string) {
    this.#client = new ServicesClient(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
    });
    this.#watch();
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  #watch(): void {
    if (this.#closed) return;
    let bootId = '';
    const call = this.#client.watch(WatchRequest.fromPartial(this.#known ?? {}), { waitForReady: true } as never);
    call.on('data', ({ event }: WatchResponse) => {
      if (event?.$case === 'hello') bootId = event.value.bootId;
      if (event?.$case === 'snapshot') this.service = event.value.services[0];
      if (event?.$case === 'change') this.service = event.value.service;
      if (event?.$case === 'snapshot' || event?.$case === 'change')
        this.#known = { bootId, sinceRevision: event.value.revision };
    });
    call.on('error', () => setTimeout(() => this.#watch(), 20));
  }
}

describe('a controller that dies in the middle', () => {
  test(
    'of a restart with every kind of script runs none of them twice and leaves none out',
    async () => {
      await boot({
        services: {
          web: {
            run: noting('run', 'exec sleep 1000\n'),
            finish: noting('finish'),
            'control/u': noting('u'),
            'control/t': noting('t', 'exit 1\n'),
          },
        },
      });
      let { pid: last } = await container.reaches('web', 'up');
      await waitFor('the first run', () => done() === 'u run');
      const deaths: number[] = [];
      let died = true;
      for (let acts = 1; died; acts += STEP || 17) {
        const controllerPid = await container.controller();
        const before = done().split(' ').length;
        await mortal.doom(container, acts);
        await container.svctl('restart', 'web', '--no-wait');
        const { pid } = await container.reaches('web', 'up');
        died = (await container.controller()) !== controllerPid;
        if (died) deaths.push(acts);
        // A service can be up before its script has begun.
        if (pid !== last) await waitFor(`${acts} acts: the next run`, () => done(before).endsWith('run'));
        last = pid;
        expect({ acts, done: done(before) }).toEqual({ acts, done: expect.stringMatching(/^(t finish u run)?$/) });
        expect({ acts, sessions: await container.sleeping(1, 'sid') }).toEqual({ acts, sessions: [pid] });
      }
      expect(deaths.length).toBeGreaterThan(5);
    },
    LIMIT_MS,
  );

  test(
    'of a change leaves no watcher with the status before it',
    async () => {
      await boot({ services: { web: { run: noting('run', 'exec sleep 1000\n') } } });
      await container.reaches('web', 'up');
      const watcher = new Watcher(container.socket);
      try {
        for (let acts = 1, paused = false; acts <= 8; acts += STEP || 1) {
          await waitFor('the watcher to know', () => watcher.service?.paused === paused);
          await mortal.doom(container, acts);
          await container.svctl('signal', paused ? 'CONT' : 'STOP', 'web');
          await waitFor('the next controller', () => container.answers());
          paused = (await container.status('web')).paused === true;
          await waitFor(`${acts} acts: who watches to be told`, () => watcher.service?.paused === paused);
        }
      } finally {
        watcher.close();
      }
    },
    LIMIT_MS,
  );

  test(
    'of the start of everything ends in order, or starts the main command once and exits with its code',
    async () => {
      const outcomes: string[] = [];
      const waits = 'sleep 0.5; until grep -q run /run/done; do sleep 0.1; done';
      const main = `echo main >> /run/done; ${waits}; cp /run/done /etc/done; exit 7`;
      for (let acts = 1; outcomes.at(-1) !== 'not at all'; acts += STEP || 41) {
        mortal.doomNext(acts);
        await boot({
          etc: { 'my_init.d/10': noting('script') },
          services: { web: { run: noting('run', 'exec sleep 1000\n') } },
          args: ['--', 'sh', '-c', main],
          unattended: true,
        });
        const code = await container.exit;
        const path = `${container.directory}/etc/done`;
        const words = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').sort().join(' ') : '';
        const outcome = outcomeOf(code, words, container.log());
        if (outcome === undefined) throw new Error(`${acts} acts: code ${code}, "${words}"\n${container.log()}`);
        outcomes.push(outcome);
        await container.dispose();
      }
      expect(new Set(outcomes)).toEqual(new Set(['before it was ready', 'during startup', 'later', 'not at all']));
    },
    LIMIT_MS,
  );

  test(
    'of the shutdown ends it in order, with every hook once and the code of the main command',
    async () => {
      let died = true;
      // The act lies between a signal and the record of it: the signal is sent again rather than
      // never.
      let signalledTwice = 0;
      for (let acts = 1; died; acts += STEP || 41) {
        await boot({
          etc: {
            'my_init.pre_shutdown.d/10': noting('pre', 'sleep 0.05\n'),
            'my_init.post_shutdown.d/10': noting('post', 'sleep 0.05; cp /run/done /etc/done\n'),
          },
          services: {
            web: { run: '#!/bin/sh\ntrap "echo web >> /run/done; exit 0" TERM\nwhile :; do sleep 1 & wait; done\n' },
          },
          args: [
            '--',
            'sh',
            '-c',
            'trap "echo main >> /run/done; sleep 0.05; exit 5" TERM; touch /run/begun; while :; do sleep 1 & wait; done',
          ],
        });
        await container.reaches('web', 'up');
        await container.traps('web');
        await waitFor('the main command', () => existsSync(`/proc/${container.pid}/root/run/begun`));
        await mortal.doom(container, acts);
        container.signal('SIGTERM');
        const code = await container.exit;
        const log = container.log();
        const path = `${container.directory}/etc/done`;
        const words = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').join(' ') : '';
        if (words === 'main main pre web post') signalledTwice++;
        if (code !== 5 || words.replace('main main', 'main') !== 'main pre web post')
          throw new Error(`${acts} acts: code ${code}, "${words}"\n${log}`);
        died = log.includes('the controller ended: signal 9');
        await container.dispose();
      }
      expect(signalledTwice).toBeLessThanOrEqual(1);
    },
    LIMIT_MS,
  );
});

/** The permitted outcomes of a start; undefined: this outcome is not permitted. */
function outcomeOf(code: number, words: string, log: string): string | undefined {
  if (!log.includes('The controller was killed by KILL')) {
    if (code === 137) return 'before it was ready';
    return code === 7 && words === 'main run script' ? 'not at all' : undefined;
  }
  if (code === 70 && log.includes('Shutting down: the controller was killed by KILL during startup'))
    return 'during startup';
  return code === 7 && words === 'main run script' ? 'later' : undefined;
}
