/** @needs sv */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { isSameWord, type Outcome, translate } from '../../helpers/runit-differences.js';
import { type Files, ours, Runsvdir, type Seen, type Side, say, see } from '../../helpers/runit-sides.js';
import { waitFor } from '../../helpers/wait-for.js';

const SEED = Number(process.env.SEED ?? 1);
const STEPS = 40;

const tell = compile('scenarios/tell.c');
const program = (words = ''): string => `#!${tell} ${words}\n`;
const controls = (letters: string, words: string): Files =>
  Object.fromEntries([...letters].map((letter) => [`control/${letter}`, program(words)]));

const RUN = { run: program() };
const PLAIN = { ...RUN, finish: program('exit=0'), check: program('mute,exit=0') };

const SERVICES: Readonly<Record<string, Files>> = {
  plain: PLAIN,
  bare: RUN,
  'bad-finish': { ...PLAIN, finish: program('exit=3') },
  stubborn: { ...PLAIN, run: program('stubborn'), ...controls('pc', 'exit=1') },
  // Whether anything is left to continue after TERM is a matter of luck: no control/c where TERM
  // ends the run.
  controlled: { ...PLAIN, ...controls('utdxkpahiq12', 'exit=1') },
  handled: { ...PLAIN, ...controls('udxpahiq12', 'exit=0') },
  deaf: { ...PLAIN, ...controls('t', 'exit=0') },
  logged: { ...PLAIN, 'log/run': program(), 'log/finish': program('exit=0') },
};

/** How many seconds sv waits for a process that does not end. */
const LONG: Readonly<Record<string, string>> = { stubborn: '2', deaf: '2' };

/** These commands end whatever the process ignores: only a busy machine needs this long. */
const ALWAYS_ENDS = /pause|cont$/;
const PATIENT = '20';

/** Acts of others on the process: it is killed, or exits with 0, with 3, by SEGV. */
const CRASHES = ['KILL', 'WINCH', 'PROF', 'VTALRM'];
const SIGNALS = ['hup', 'alarm', 'interrupt', 'quit', '1', '2', 'reload'];
const ENDS = ['down', 'stop', 'term', 'kill', 'force-stop', 'force-reload', 'try-restart', '-v term', '-v kill'];
const STARTS = ['up', 'start', 'once', 'restart', 'force-restart', '-v up', '-v once'];
const OTHERS = ['status', 'check', 'pause', 'cont', '-v pause', '-v cont'];
const LEAVES = ['exit', 'shutdown'];
/** Several commands in one write to the FIFO. */
const WRITES = ['tcu', 'du', 'pc', 'dc', 'z\n', 'tc', 'h1'];

/**
 * In my_init each crash of a run that is not a second old makes the delay longer: at most this many
 * for each service.
 */
const QUICK_CRASHES = 2;

/**
 * A state that has not moved for this long is at rest: one part of a command's effect may be
 * visible before the rest.
 */
const REST_MS = 200;

interface Step {
  readonly kind: 'sv' | 'crash' | 'write';
  readonly command: string;
}

/**
 * runsv still reports a stopped process as paused after it has survived an order to stop: it is
 * continued before.
 */
const CONTINUE: Step = { kind: 'sv', command: '-v cont' };

const sides: Side[] = [];
beforeAll(async () => {
  sides.push(new Runsvdir(SERVICES), await ours(SERVICES));
});
afterAll(() => Promise.all(sides.map((side) => side.dispose())));

test(`${STEPS} random commands and crashes of each service have the same effect as under runit, seed ${SEED}`, async () => {
  const differences = await Promise.all(Object.keys(SERVICES).map(play));
  expect(differences.filter((difference) => difference !== undefined)).toEqual([]);
}, 900_000);

/** Plays the script of a service. Returns the first difference, and the steps that led to it. */
async function play(name: string): Promise<readonly string[] | undefined> {
  const lane = new Lane(name);
  const targets = name === 'logged' ? [name, `${name}/log`] : [name];
  for (const target of targets) await waitFor(target, () => sides.every((side) => see(side, target).takesSignals));
  const history: string[] = [];
  while (history.length < STEPS) {
    const target = lane.one(targets);
    const { stat } = see(sides[0] as Side, target);
    const step = stat.startsWith('run, paused') && LONG[name] ? CONTINUE : lane.step();
    history.push(`${step.kind} ${step.command} ${target}: ${stat}`);
    const difference = await lane.take(target, step);
    if (difference !== undefined) return [...history, ...difference];
  }
  return undefined;
}

class Lane {
  readonly #name: string;
  readonly #random: () => number;
  #quickCrashes = QUICK_CRASHES;

  constructor(name: string) {
    this.#name = name;
    this.#random = generator(`${SEED} ${name}`);
  }

  one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }

  step(): Step {
    const chance = this.#random();
    if (chance < 0.15) return { kind: 'crash', command: this.one(CRASHES) };
    if (chance < 0.3) return { kind: 'write', command: this.one(this.#writes) };
    // A logger that does not read its input keeps its runsv for ever.
    const kinds = [STARTS, STARTS, ENDS, ENDS, SIGNALS, OTHERS, ...(this.#name === 'logged' ? [] : [LEAVES])];
    return { kind: 'sv', command: this.one(this.one(kinds)) };
  }

  /** Where control scripts also note signals, the order of two signals in a row is undefined. */
  get #writes(): readonly string[] {
    return 'control/h' in (SERVICES[this.#name] ?? {}) ? WRITES.slice(0, -1) : WRITES;
  }

  /** Takes a step on both sides. Returns the differences afterwards. */
  async take(target: string, step: Step): Promise<readonly string[] | undefined> {
    const before = sides.map((side) => see(side, target));
    const situation = situationOf(before[0]?.stat ?? '');
    // sv takes a run that began in the same second for a new one; a run of less than a second is a
    // short one.
    const age = step.kind === 'crash' ? (this.#isQuick() ? 0 : 2) : 1;
    await waitFor('a moment', () => before.every(({ since }) => Math.floor(Date.now() / 1000) >= since + age));
    const said = await Promise.all(sides.map((side) => this.#carryOut(side, target, step)));
    const moment = { situation, command: step.command };
    const comesBack = LEAVES.includes(step.command) || (situation === 'leaving' && !takesBack(step, before[0] as Seen));
    let [runit = '', mine = ''] = ['', ''];
    const wanted = (): Outcome => translate(moment, { says: said[0] ?? '', ends: runit });
    const isSettled = (): boolean => {
      const seen = sides.map((side) => see(side, target));
      [runit = '', mine = ''] = seen.map(
        ({ stat, status, trace }, at) => `${stat} / ${status} /${inOrder(trace.slice(before[at]?.trace.length))}`,
      );
      const isDone = (each: Seen, at: number): boolean =>
        isQuiet(each, comesBack) &&
        !this.#isEnding(each) &&
        isTaken(step, before[at] as Seen, each) &&
        this.#haveScriptsTold(step, before[at] as Seen, each);
      return seen.every(isDone) && wanted().ends === mine;
    };
    const settled = await waitFor('nothing to move', forSome(REST_MS, isSettled), 15_000).catch(() => false);
    const { says, ends } = wanted();
    if (settled && isSameWord(moment, says, said[1] ?? '')) return undefined;
    return [
      `runit: ${said[0]}`,
      `to be: ${says}`,
      `is: ${said[1]}`,
      `runit: ${runit}`,
      `to be: ${ends}`,
      `is: ${mine}`,
    ];
  }

  /** TERM has been sent to a process that ends at TERM, and has not arrived yet. */
  #isEnding({ stat }: Seen): boolean {
    return stat.includes('got TERM') && !stat.includes('paused') && !LONG[this.#name];
  }

  /** Pausing and continuing leave no other trace where there is nothing to pause or to continue. */
  #haveScriptsTold(step: Step, before: Seen, { pid, trace }: Seen): boolean {
    if (pid === 0 || pid !== before.pid) return true;
    const letters = step.kind === 'write' ? step.command : letterOf(step);
    const told = trace.slice(before.trace.length);
    return ['p', 'c'].every(
      (letter) =>
        !letters.includes(letter) ||
        !(`control/${letter}` in (SERVICES[this.#name] ?? {})) ||
        told.includes(`control/${letter}`),
    );
  }

  #isQuick(): boolean {
    if (this.#random() > 0.3 || this.#quickCrashes === 0) return false;
    this.#quickCrashes -= 1;
    return true;
  }

  async #carryOut(side: Side, target: string, { kind, command }: Step): Promise<string> {
    if (kind === 'sv') {
      const seconds = ALWAYS_ENDS.test(command) ? PATIENT : (LONG[this.#name] ?? '5');
      return say(side, '-w', seconds, ...command.split(' '), target);
    }
    if (kind === 'write') writeFileSync(join(side.services, target, 'supervise/control'), command);
    const { pid, takesSignals } = see(side, target);
    if (kind === 'crash' && takesSignals) await side.exec('kill', '-s', command, String(pid));
    return '';
  }
}

/** Whether a condition has held for this long, in repeated looks. */
function forSome(ms: number, isSo: () => boolean): () => boolean {
  let since = Number.POSITIVE_INFINITY;
  return () => {
    since = isSo() ? Math.min(since, performance.now()) : Number.POSITIVE_INFINITY;
    return performance.now() - since >= ms;
  };
}

/** The command that is written to the FIFO; of several, the last one with a visible effect. */
function letterOf({ kind, command }: Step): string {
  if (kind === 'write') return { tcu: 'u', du: 'u', h1: '1', pc: 'c', dc: 'd', tc: 't' }[command] ?? '';
  const word = command.replace('-v ', '');
  const other = { start: 'u', restart: 'u', stop: 'd', reload: 'h', shutdown: 'x', 'try-restart': 't' }[word];
  const forced = { 'force-restart': 'u', 'force-stop': 'd', 'force-reload': 't', status: '', check: '' }[word];
  return other ?? forced ?? word.charAt(0);
}

/**
 * An order to stop revokes an order to leave. sv does not send it to a process that has had TERM
 * already.
 */
const takesBack = (step: Step, { status }: Seen): boolean =>
  letterOf(step) === 'd' && (step.kind === 'write' || !status.includes('term=1'));

/** True once the effect of a step can be seen, if it has one. */
function isTaken(step: Step, before: Seen, { pid, stat, status, trace }: Seen): boolean {
  const isNew = pid !== before.pid;
  const runs = before.stat.startsWith('run');
  const paused = before.stat.includes('paused');
  const hasTold = isNew || trace !== before.trace;
  if (step.kind === 'crash') return !runs || (paused && step.command !== 'KILL') || hasTold;
  switch (letterOf(step)) {
    case '':
      return true;
    case 'u':
      return status.includes('want=u') && (step.kind === 'sv' || !runs || hasTold);
    case 'd':
      // The service has left, and comes back.
      if (isNew && before.stat.includes('want exit')) return true;
      if (step.kind === 'write' && stat.includes('want exit')) return false;
      // sv does not send the signal twice.
      return status.includes('want=d') && (!runs || hasTold || before.status.includes('want=d term=1'));
    case 'o':
      return runs ? status.includes('want=d') && !stat.includes('want exit') : isNew || hasTold;
    case 'x':
      return isNew || (stat.includes('want exit') && hasTold);
    case 'p':
      return !runs || stat.includes('paused');
    case 'c':
      return !stat.includes('paused');
    case 't':
      return !runs || hasTold || (paused && stat.includes('got TERM'));
    default:
      return !runs || paused || hasTold;
  }
}

/** Nothing moves: a service that is wanted up is up, and takes signals. */
function isQuiet({ stat, status, takesSignals }: Seen, comesBack: boolean): boolean {
  if (stat.startsWith('run')) return takesSignals;
  return stat.startsWith('down') && status.includes('want=d') && !comesBack;
}

/**
 * On one line. The scripts that run after TERM was sent and the process that gets TERM note this in
 * random order.
 */
const inOrder = (trace: string): string =>
  ` ${trace}`
    .replace(/\s+/g, ' ')
    .replace(/(control\/[cdx]) SIGTERM/g, 'SIGTERM $1')
    .trimEnd();

function situationOf(stat: string): string {
  if (stat.includes('want exit')) return 'leaving';
  return stat.startsWith('down') ? 'down' : 'up';
}

/** The same numbers for the same seed: mulberry32, seeded with a hash. */
function generator(seed: string): () => number {
  let state = [...seed].reduce((hash, character) => Math.imul(hash ^ character.charCodeAt(0), 16777619), 2166136261);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
