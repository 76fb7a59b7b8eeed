import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { removeInUse } from '../../helpers/remove-in-use.js';
import { waitFor } from '../../helpers/wait-for.js';

const CHANGES = Number(process.env.RANDOM_CHANGES ?? 200);
const SEED = Number(process.env.RANDOM_SEED ?? Date.now() % 1_000_000);
/** Less than the 30 s after which a failed service is looked at again anyway. */
const PATIENCE_MS = 25_000;
/** Somewhat less than the time after which a directory is no longer being filled. */
const LONG_CHANGE_MS = 450;

let container: TestContainer;
afterEach(() => container.dispose());

/** Mulberry32: the same changes for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe('the services directory', () => {
  test(
    `matches the running services after each of ${CHANGES} random changes (RANDOM_SEED=${SEED})`,
    async () => {
      container = await TestContainer.boot();
      const changes = new Changes(container, randomNumbers(SEED));
      const story: string[] = [];
      for (let count = 0; count < CHANGES; count++) {
        story.push(await changes.next());
        await waitFor(
          'the services to be those of the directory',
          async () => (await running(container)).join() === declared(container).join(),
          PATIENCE_MS,
        ).catch(async (error: unknown) => {
          const files = readdirSync(container.services, { recursive: true }).join(' ');
          const found = `running ${await running(container)}; in the directory ${declared(container)}: ${files}`;
          const status = await container.trace();
          throw new Error(
            `${error}\n${found}\n${story.slice(-6).join('\n')}\n${status}\n${container.log().slice(-3000)}`,
          );
        });
      }
      const complaints = container
        .log()
        .split('\n')
        .filter((line) => /does not exist|permission denied/.test(line))
        .filter((line) => ![...changes.late].some((name) => line.includes(name)));
      expect(complaints).toEqual([]);
    },
    CHANGES * 10_000,
  );
});

/** The number in `run` of each service: the numbers tell the directories apart. */
function declared({ services }: TestContainer): readonly number[] {
  const numbers = new Set<number>();
  for (const name of readdirSync(services).filter((each) => !each.startsWith('.'))) {
    const run = join(services, name, 'run');
    if (existsSync(run) && statSync(run).mode & 0o100) numbers.add(numberIn(readFileSync(run, 'utf8')));
  }
  return [...numbers].sort();
}

async function running(each: TestContainer): Promise<readonly number[]> {
  const { stdout } = await each.exec('ps', '-e', '-o', 'args=');
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('sleep '))
    .map(numberIn)
    .sort();
}

const numberIn = (text: string): number => Number(/sleep (\d+)/.exec(text)?.[1]);

/** Changes that people and programs make, with pauses of any length in between. */
class Changes {
  /** The services that were left unfinished for so long that my_init may complain of them. */
  readonly late = new Set<string>();
  readonly #services: string;
  readonly #kept: string;
  readonly #random: (below: number) => number;
  #number = 100_000;

  constructor({ services, directory }: TestContainer, random: (below: number) => number) {
    this.#services = services;
    this.#kept = join(directory, 'sv');
    this.#random = random;
    mkdirSync(this.#kept);
  }

  async next(): Promise<string> {
    const begunMs = performance.now();
    const change = await this.#change();
    if (performance.now() - begunMs > LONG_CHANGE_MS)
      for (const [name] of change.matchAll(/\b(s\d+|released)\b/g)) this.late.add(name);
    return change;
  }

  async #change(): Promise<string> {
    const names = readdirSync(this.#services).filter((name) => !name.startsWith('.'));
    const kinds = [
      () => this.#fill(),
      () => this.#makeExecutable(),
      () => this.#moveIn(),
      () => this.#link(),
      () => this.#linkOnTheWay(),
      () => this.#configMap(),
    ];
    const name = names[this.#random(names.length || 1)];
    if (name !== undefined)
      kinds.push(
        () => this.#remove(name),
        () => this.#rename(name),
        () => this.#replace(name),
        () => this.#linkAnew(name),
        () => this.#rewriteInPlace(name),
        () => this.#switchLinkOnTheWay(),
        () => this.#switchConfigMap(name),
        () => this.#awayAndBack(name),
      );
    if (name !== undefined && names.length > 6) return `removed ${await this.#remove(name)}`;
    const kind = kinds[this.#random(kinds.length)];
    return kind === undefined ? '' : await kind();
  }

  /** Mostly there is no pause, else up to a tenth of a second. */
  async #pause(): Promise<string> {
    const ms = this.#random(2) === 0 ? 0 : this.#random(this.#random(2) === 0 ? 8 : 100);
    if (ms > 0) await delay(ms);
    return `+${ms}`;
  }

  #run(): string {
    this.#number += 1;
    return `#!/bin/sh\nexec sleep ${this.#number}\n`;
  }

  #newName = (): string => `s${this.#number + 1}`;
  #at = (...parts: readonly string[]): string => join(this.#services, ...parts);

  #make(directory: string): void {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'run'), this.#run(), { mode: 0o755 });
  }

  /** Makes a directory elsewhere, in `sv/`. */
  #makeKept(): string {
    const name = this.#newName();
    this.#make(join(this.#kept, name));
    return name;
  }

  async #fill(): Promise<string> {
    const name = this.#newName();
    mkdirSync(this.#at(name));
    const first = await this.#pause();
    writeFileSync(this.#at(name, 'run.tmp'), this.#run());
    const second = await this.#pause();
    chmodSync(this.#at(name, 'run.tmp'), 0o755);
    const third = await this.#pause();
    renameSync(this.#at(name, 'run.tmp'), this.#at(name, 'run'));
    return `filled ${name} ${first} ${second} ${third}`;
  }

  async #makeExecutable(): Promise<string> {
    const name = this.#newName();
    mkdirSync(this.#at(name));
    const first = await this.#pause();
    writeFileSync(this.#at(name, 'run'), this.#run());
    const second = await this.#pause();
    chmodSync(this.#at(name, 'run'), 0o755);
    return `made ${name}/run executable ${first} ${second}`;
  }

  async #moveIn(): Promise<string> {
    const name = this.#makeKept();
    renameSync(join(this.#kept, name), this.#at(name));
    return `moved ${name} in`;
  }

  async #link(): Promise<string> {
    const name = this.#makeKept();
    symlinkSync(`../sv/${name}`, this.#at(name));
    return `linked ${name}`;
  }

  async #linkOnTheWay(): Promise<string> {
    const name = this.#newName();
    this.#makeRelease();
    if (existsSync(this.#at('released'))) return this.#switchLinkOnTheWay();
    const pause = await this.#pause();
    symlinkSync('../sv/current/app', this.#at('released'));
    return `linked through sv/current ${name} ${pause}`;
  }

  /** Makes a release; `sv/current` leads to the latest one. */
  #makeRelease(): void {
    const release = this.#newName();
    this.#make(join(this.#kept, 'releases', release, 'app'));
    this.#swapLink(`releases/${release}`, join(this.#kept, 'current'));
  }

  async #switchLinkOnTheWay(): Promise<string> {
    this.#makeRelease();
    return 'switched sv/current';
  }

  /**
   * As a kubelet mounts a ConfigMap: the files are links through `..data`, which is replaced as a
   * whole.
   */
  async #configMap(): Promise<string> {
    const name = this.#newName();
    mkdirSync(this.#at(name));
    const first = await this.#pause();
    symlinkSync('..data/run', this.#at(name, 'run'));
    const second = await this.#pause();
    this.#fillConfigMap(name, 0o755);
    return `mounted a ConfigMap at ${name} ${first} ${second}`;
  }

  #fillConfigMap(name: string, mode: number): void {
    const data = `..${this.#newName()}`;
    mkdirSync(this.#at(name, data));
    writeFileSync(this.#at(name, data, 'run'), this.#run(), { mode });
    this.#swapLink(data, this.#at(name, '..data'));
  }

  /** The running process goes on until its next start, which is asked for here. */
  async #switchConfigMap(name: string): Promise<string> {
    if (!existsSync(this.#at(name, '..data'))) return this.#rewriteInPlace(name);
    this.#fillConfigMap(name, 0o755);
    const pause = await this.#pause();
    await container.svctl('restart', name);
    return `switched the ConfigMap at ${name} ${pause}`;
  }

  #swapLink(target: string, path: string): void {
    symlinkSync(target, `${path}.next`);
    renameSync(`${path}.next`, path);
  }

  async #remove(name: string): Promise<string> {
    removeInUse(this.#at(name));
    return `removed ${name}`;
  }

  async #rename(name: string): Promise<string> {
    // Under a second name the same directory would be no service.
    if (name === 'released') return this.#switchLinkOnTheWay();
    const to = this.#newName();
    this.#number += 1;
    renameSync(this.#at(name), this.#at(to));
    return `renamed ${name} to ${to}`;
  }

  /** The file system reuses inodes at once. */
  async #replace(name: string): Promise<string> {
    const next = this.#makeKept();
    const away = this.#at(`.${name}`);
    const removed = this.#random(2) === 0;
    if (removed) removeInUse(this.#at(name));
    else renameSync(this.#at(name), away);
    const pause = await this.#pause();
    if (this.#random(2) === 0) renameSync(join(this.#kept, next), this.#at(name));
    else cpSync(join(this.#kept, next), this.#at(name), { recursive: true });
    removeInUse(away);
    return `replaced ${name} ${removed ? 'after rm' : 'after mv'} ${pause}`;
  }

  async #linkAnew(name: string): Promise<string> {
    const next = this.#makeKept();
    removeInUse(this.#at(name));
    const pause = await this.#pause();
    symlinkSync(`../sv/${next}`, this.#at(name));
    return `linked ${name} to another directory ${pause}`;
  }

  /** The running process goes on until its next start, which is asked for here. */
  async #rewriteInPlace(name: string): Promise<string> {
    writeFileSync(this.#at(name, 'run'), this.#run());
    const pause = await this.#pause();
    await container.svctl('restart', name);
    return `rewrote ${name}/run ${pause}`;
  }

  async #awayAndBack(name: string): Promise<string> {
    renameSync(this.#at(name), this.#at(`.${name}`));
    const pause = await this.#pause();
    renameSync(this.#at(`.${name}`), this.#at(name));
    return `moved ${name} away and back ${pause}`;
  }
}
