/** @needs memcached */
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { type ContainerOptions, METRICS, TestContainer } from '../../helpers/container.js';
import { type Failure, MortalController } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere } from '../../helpers/whole-run.js';

/**
 * How the next controller reports the end of the one before:
 * `my_init_controller_restarts_total{cause}`, the log, its last words.
 */
const KINDS: Readonly<Record<Failure, { readonly cause: string; readonly text: RegExp; readonly words: RegExp }>> = {
  block: { cause: 'hang', text: /hung and was killed/, words: /the event loop is blocked/ },
  SIGSTOP: { cause: 'hang', text: /hung and was killed/, words: /^$/ },
  heap: { cause: 'heap', text: /ran out of memory \(its heap is limited\)/, words: /JavaScript heap out of memory/ },
  throw: { cause: 'exception', text: /failed: nobody caught an exception/, words: /Error: thrown by the test/ },
  reject: { cause: 'exception', text: /failed: nobody caught an exception/, words: /Error: rejected by the test/ },
  abort: { cause: 'signal', text: /was killed by ABRT/, words: /./ },
  SIGSEGV: { cause: 'signal', text: /was killed by SEGV/, words: /^$/ },
  SIGKILL: { cause: 'signal', text: /was killed by KILL/, words: /^$/ },
  exit: { cause: 'exit', text: /exited with code 3/, words: /^$/ },
};
const ALL = Object.keys(KINDS) as readonly Failure[];
/** Failures that are noticed at once. */
const QUICK: readonly Failure[] = ['heap', 'throw', 'reject', 'abort', 'SIGSEGV', 'SIGKILL', 'exit'];
/**
 * Two hanging controllers take 5 s each to be noticed, and a fifth death within a minute would end
 * the container.
 */
const IN_A_ROW = 3;
/** Each hanging controller computes for up to five seconds, on a machine that others use too. */
const LIMIT_MS = 1_000_000;

/** Writes a word where the test finds it, also after the end of the container. */
const noting = (word: string): string => `echo ${word} >> /etc/noted`;
/** Waits until the test allows it to go on. */
const held = (what: string): string => untilThere(`/etc/go-${what}`);
const FOR_EVER = 'while :; do sleep 1 & wait; done';

/** Options of the container, and of how its controller dies. */
type MortalOptions = ContainerOptions & { readonly untiring?: boolean; readonly hurried?: boolean };

/** A container with memcached in it, which holds our data and has us as its client all the time. */
class Mortal {
  readonly container: TestContainer;
  readonly #controller: MortalController;
  #client: Socket | undefined;
  #pid = 0;
  #failures = 0;

  private constructor(controller: MortalController, container: TestContainer) {
    this.#controller = controller;
    this.container = container;
  }

  /** Boots the container for as long as `live` takes. */
  static async during(
    { services, untiring, hurried, ...options }: MortalOptions,
    live: (mortal: Mortal) => Promise<void>,
  ): Promise<void> {
    const controller = new MortalController({ untiring, hurried });
    const memcached = { run: sh(noting('memcached'), 'exec memcached -u root -s /run/memcached') };
    const { installation } = controller;
    let mortal: Mortal | undefined;
    try {
      const container = await TestContainer.boot({ installation, services: { memcached, ...services }, ...options });
      mortal = new Mortal(controller, container);
      await live(mortal);
    } finally {
      await mortal?.dispose(options.as);
      controller.dispose();
    }
  }

  async connect(): Promise<void> {
    this.#pid = (await this.container.reaches('memcached', 'up')).pid;
    const path = `/proc/${this.container.pid}/root/run/memcached`;
    // The file of the socket is there before memcached listens.
    this.#client = await waitFor('memcached to listen', () => connected(path));
    expect(await this.#ask('set key 0 0 5\r\nvalue')).toBe('STORED\r\n');
  }

  /**
   * The controller fails three times, and each time the next one reports how; `lasts` checks that
   * the work under way still is.
   */
  async failInARow(failure: Failure, lasts = async (): Promise<void> => {}): Promise<void> {
    for (let round = 1; round <= IN_A_ROW; round++) {
      await this.fail(failure);
      await this.expectUntouched();
      await lasts();
    }
    await this.expectAccounted(failure);
  }

  /** All failures of a row are counted, and logged with their last words; no zombie is left. */
  async expectAccounted(failure: Failure): Promise<void> {
    const { cause, text, words } = KINDS[failure];
    const { controllerRestarts, controllerEnds } = await this.info();
    expect({ controllerRestarts, [cause]: controllerEnds[cause] }).toEqual({
      controllerRestarts: IN_A_ROW,
      [cause]: IN_A_ROW,
    });
    expect(await this.container.metric(`my_init_controller_restarts_total{cause="${cause}"}`)).toBe(IN_A_ROW);
    const log = this.container.log();
    const said = new RegExp(`The controller ${text.source} and was started again; services are not touched`, 'g');
    expect(log.match(said)).toHaveLength(IN_A_ROW);
    if (!words.test('')) expect(log).toMatch(words);
    await this.container.hasNoZombie();
  }

  /** The controller fails, and the next one reports how. */
  async fail(failure: Failure): Promise<void> {
    const failed = await this.container.controller();
    await this.#controller.fail(this.container, failure);
    this.#failures += 1;
    // Asks without svctl, which would use the CPU that a blocked controller has to use up first.
    await waitFor(`the end of the one that fails (${failure})`, () => !existsSync(`/proc/${failed}`), 180_000);
    const { lastControllerEnd } = await waitFor(
      `the successor of the one that fails (${failure})`,
      async () => {
        const now = await this.info();
        return Number(now.controllerRestarts) === this.#failures && now;
      },
      180_000,
    );
    const { cause, text, words } = KINDS[failure];
    expect({ failure, ...lastControllerEnd }).toMatchObject({
      failure,
      cause,
      text: expect.stringMatching(text),
      lastWords: expect.stringMatching(words),
    });
  }

  /** memcached is the same process, with all its data. */
  async expectUntouched(): Promise<void> {
    expect(await this.#ask('get key')).toBe('VALUE key 0 5\r\nvalue\r\nEND\r\n');
    expect(await this.container.status('memcached')).toMatchObject({ pid: this.#pid, run: 1, startsTotal: 1 });
  }

  /** Lets a held script go on. */
  async go(what: string): Promise<void> {
    await this.container.exec('touch', `/etc/go-${what}`);
  }

  async notes(word: string): Promise<void> {
    await waitFor(word, () => this.noted.includes(word));
  }

  /** The words that scripts have written, in their order. */
  get noted(): readonly string[] {
    const path = join(this.container.directory, 'etc/noted');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  async info() {
    return this.container.info();
  }

  /** Makes the controller fail, without waiting for the next one. */
  async failAtLast(failure: Failure): Promise<void> {
    await this.#controller.fail(this.container, failure);
  }

  async dispose(as: ContainerOptions['as']): Promise<void> {
    this.#client?.destroy();
    // A subreaper that is killed takes no processes with it.
    if (as === 'subreaper' && this.#runs) {
      this.container.signal('SIGTERM');
      await Promise.race([this.container.exit, delay(10_000, undefined, { ref: false })]);
    }
    await this.container.dispose();
  }

  get #runs(): boolean {
    try {
      return this.container.pid > 0;
    } catch {
      return false;
    }
  }

  async #ask(command: string): Promise<string> {
    const client = this.#client;
    if (client === undefined) throw new Error('nobody is connected');
    let answer = '';
    const take = (text: Buffer) => {
      answer += text.toString('latin1');
    };
    client.on('data', take);
    client.write(`${command}\r\n`);
    await waitFor('the answer of memcached', () => /(END|STORED)\r\n$/.test(answer));
    client.off('data', take);
    return answer;
  }
}

/**
 * Each kind of failure in each phase; several containers at once, since hanging controllers are
 * noticed after seconds.
 */
describe('a controller that fails', () => {
  test.concurrent.each(ALL)(
    'of %s while a startup script runs ends the container with 70, the reason, and the script',
    async (failure) => {
      const script = [`trap "${noting('ended')}; exit 0" TERM`, noting('begun'), FOR_EVER];
      const options: ContainerOptions = {
        etc: { 'my_init.d/10': sh(...script), 'my_init.d/20': sh(noting('second')) },
        prepare: `dev=$(dirname "$3")/dev; mkdir $dev $dev.work; touch $dev/termination-log
          mount -t overlay overlay -o lowerdir=/dev,upperdir=$dev,workdir=$dev.work /dev`,
        unattended: true,
        args: ['--', 'sh', '-c', noting('main')],
      };
      await Mortal.during(options, async (mortal) => {
        const { container } = mortal;
        await mortal.notes('begun');
        await mortal.failAtLast(failure);
        expect(await container.exit).toBe(70);
        // No other script, no service and no main command was started.
        expect(mortal.noted).toEqual(['begun', 'ended']);
        const reason = `the controller ${KINDS[failure].text.source} during startup`;
        expect(container.log()).toMatch(new RegExp(`Shutting down: ${reason}`));
        expect(readFileSync(join(container.directory, 'dev/termination-log'), 'utf8')).toMatch(
          new RegExp(`^my_init: ${reason}; exit code 70\n$`),
        );
      });
    },
    LIMIT_MS,
  );

  test.concurrent.each(ALL)(
    'of %s while services and the main command run touches none of them, three times in a row',
    async (failure) => {
      const args = [...METRICS, '--', 'sh', '-c', `${noting('main')}; ${held('main')}; exit 33`];
      await Mortal.during({ args, hurried: true }, async (mortal) => {
        await mortal.connect();
        await mortal.notes('main');
        await mortal.failInARow(failure);
        await mortal.go('main');
        expect(await mortal.container.exit).toBe(33);
        expect(mortal.noted.toSorted()).toEqual(['main', 'memcached']);
      });
    },
    LIMIT_MS,
  );

  test.concurrent.each(ALL)(
    'of %s while services are stopped leaves the stops to the next one, three times in a row',
    async (failure) => {
      const services = {
        stubborn: { run: sh(`trap "${noting('stubborn told')}" TERM`, noting('stubborn'), FOR_EVER) },
        slow: { run: sh(`trap "${noting('slow told')}; ${held('slow')}; exit 4" TERM`, noting('slow'), FOR_EVER) },
      };
      await Mortal.during({ services, args: METRICS, hurried: true }, async (mortal) => {
        const { container } = mortal;
        await mortal.connect();
        await mortal.notes('stubborn');
        await mortal.notes('slow');
        const { pid } = await container.reaches('slow', 'up');
        await container.svctl('stop', 'slow', '--no-wait', '--stop-timeout', '1000');
        await container.svctl('stop', 'stubborn', '--no-wait', '--stop-timeout', '5');
        await mortal.notes('stubborn told');
        await mortal.notes('slow told');
        await mortal.failInARow(failure, async () => {
          expect(await container.status('slow')).toMatchObject({ state: 'SERVICE_STATE_STOPPING', pid });
        });
        // The stop timeout of one is over, whichever controller ran; the other is still waited for.
        const once = { run: 1, startsTotal: 1, restartsTotal: 0 };
        expect(await container.reaches('stubborn', 'down')).toMatchObject({
          ...once,
          lastExit: { signal: 'KILL', expected: true },
        });
        await mortal.go('slow');
        expect(await container.reaches('slow', 'down')).toMatchObject({
          ...once,
          lastExit: { code: 4, expected: true },
        });
        expect(mortal.noted.toSorted()).toEqual(['memcached', 'slow', 'slow told', 'stubborn', 'stubborn told']);
        container.signal('SIGTERM');
        expect(await container.exit).toBe(0);
      });
    },
    LIMIT_MS,
  );

  test.concurrent.each(ALL)(
    'of %s while the container is shut down leaves the rest to the next one, three times in a row',
    async (failure) => {
      const told = `trap "${noting('told')}; ${held('slow')}; exit 0" TERM`;
      // A blocked controller uses up CPU first: on a busy machine this takes its time.
      const services = { slow: { run: sh(told, noting('slow'), FOR_EVER), 'timeout-kill': '1000000\n' } };
      const etc = {
        'my_init.pre_shutdown.d/10': sh(noting('pre'), held('pre'), noting('pre done')),
        'my_init.post_shutdown.d/10': sh(noting('post'), held('post'), noting('post done')),
      };
      const main = `trap "${noting('main told')}; exit 5" TERM; ${noting('main')}; ${FOR_EVER}`;
      const args = [...METRICS, '--shutdown-timeout', '1000', '--', 'sh', '-c', main];
      await Mortal.during({ services, etc, args, hurried: true }, async (mortal) => {
        const { container } = mortal;
        await mortal.connect();
        await mortal.notes('main');
        await mortal.notes('slow');
        const { pid } = await container.reaches('slow', 'up');
        container.signal('SIGTERM');
        await mortal.notes('pre');
        await mortal.fail(failure);
        await mortal.expectUntouched();
        expect(await container.status('slow')).toMatchObject({ state: 'SERVICE_STATE_UP', pid });
        await mortal.go('pre');
        await mortal.notes('told');
        await mortal.fail(failure);
        expect(await container.status('slow')).toMatchObject({ state: 'SERVICE_STATE_STOPPING', pid, startsTotal: 1 });
        await mortal.go('slow');
        await mortal.notes('post');
        await mortal.fail(failure);
        expect(await container.status('slow')).toMatchObject({ state: 'SERVICE_STATE_DOWN', startsTotal: 1 });
        await mortal.expectAccounted(failure);
        await mortal.go('post');
        expect(await container.exit).toBe(5);
        const words = ['main told', 'pre', 'pre done', 'told', 'post', 'post done'];
        expect(mortal.noted.slice(3)).toEqual(words);
        expect(mortal.noted.slice(0, 3).toSorted()).toEqual(['main', 'memcached', 'slow']);
        expect(container.log().match(/Going on with the shutdown: SIGTERM was received/g)).toHaveLength(IN_A_ROW);
      });
    },
    LIMIT_MS,
  );

  /** A stopped controller is noticed after 5 s. */
  test.concurrent.each([
    ['throw', 10],
    ['SIGSEGV', 10],
    ['SIGKILL', 10],
    ['SIGSTOP', 15],
  ] as const)(
    'of %s while the container is shut down leaves its deadline to the next one',
    async (failure, seconds) => {
      const services = { stubborn: { run: sh(`trap "${noting('told')}" TERM`, noting('stubborn'), FOR_EVER) } };
      const args = ['--shutdown-timeout', String(seconds)];
      await Mortal.during({ services, args }, async (mortal) => {
        const { container } = mortal;
        await mortal.notes('stubborn');
        const beganAt = performance.now();
        container.signal('SIGTERM');
        await mortal.notes('told');
        await mortal.failAtLast(failure);
        expect(await container.exit).toBe(84);
        if (failure === 'SIGSTOP') expect(performance.now() - beganAt).toBeLessThan(seconds * 1000 + 4000);
        expect(mortal.noted.toSorted()).toEqual(['memcached', 'stubborn', 'told']);
        expect(container.log()).toContain('Going on with the shutdown: SIGTERM was received.');
      });
    },
    LIMIT_MS,
  );
});

describe.each(['pid1', 'subreaper'] as const)('one controller after the other (%s)', (as) => {
  test(
    'that fails in varied ways, and three that are killed as soon as they run, leave memcached alone',
    async () => {
      await Mortal.during({ as, untiring: true, args: METRICS }, async (mortal) => {
        const { container } = mortal;
        await mortal.connect();
        for (const failure of QUICK) {
          await mortal.fail(failure);
          await mortal.expectUntouched();
        }
        for (let round = 0, last = 0; round < 3; round++) {
          last = await nextController(container, last);
          process.kill(last, 'SIGKILL');
        }
        await mortal.expectUntouched();
        const restarts = QUICK.length + 3;
        await waitFor('the count of all', async () => Number((await mortal.info()).controllerRestarts) === restarts);
        const signals = QUICK.filter((failure) => KINDS[failure].cause === 'signal').length + 3;
        expect(await container.metric('my_init_controller_restarts_total{cause="signal"}')).toBe(signals);
        container.signal('SIGTERM');
        expect(await container.exit).toBe(0);
      });
    },
    LIMIT_MS,
  );
});

/** A connection; undefined while nobody listens there. */
const connected = (path: string) =>
  new Promise<Socket | undefined>((resolve) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });

/** The pid of the controller, as soon as there is another one. */
const nextController = (container: TestContainer, last: number) =>
  waitFor('a controller', () => {
    try {
      return container.controllerPid !== last && container.controllerPid;
    } catch {
      return undefined;
    }
  });
