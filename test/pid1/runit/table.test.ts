/** @needs sv */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { DIFFERENCES, isAway, isSameWord, type Outcome, translate } from '../../helpers/runit-differences.js';
import { type Files, ours, Runsvdir, type Side, say, see } from '../../helpers/runit-sides.js';
import { waitFor } from '../../helpers/wait-for.js';

const tell = compile('scenarios/tell.c');
const program = (words = ''): string => `#!${tell} ${words}\n`;

/**
 * How a service gets into a situation from `down`, its programs, and the content of
 * `supervise/stat` in it.
 */
interface Situation {
  readonly files: Files;
  readonly steps: readonly string[];
  readonly stat: string;
}

const DOWN = { run: program(), finish: program('exit=0'), check: program('mute,exit=0'), down: '' };
const STUBBORN = { ...DOWN, run: program('stubborn') };
const LONG_FINISH = { ...DOWN, finish: program() };

const SITUATIONS: Readonly<Record<string, Situation>> = {
  down: { files: DOWN, steps: [], stat: 'down' },
  up: { files: DOWN, steps: ['up'], stat: 'run' },
  unwell: { files: { ...DOWN, check: program('mute,exit=1') }, steps: ['up'], stat: 'run' },
  paused: { files: DOWN, steps: ['up', 'pause'], stat: 'run, paused' },
  'stubborn-paused': { files: STUBBORN, steps: ['up', 'pause'], stat: 'run, paused' },
  once: { files: DOWN, steps: ['once'], stat: 'run, want down' },
  stopping: { files: STUBBORN, steps: ['up', 'down'], stat: 'run, got TERM, want down' },
  terminated: { files: STUBBORN, steps: ['up', 'term'], stat: 'run, got TERM' },
  'terminated-paused': { files: DOWN, steps: ['up', 'pause', 'term'], stat: 'run, paused, got TERM' },
  leaving: { files: STUBBORN, steps: ['up', 'exit'], stat: 'run, got TERM, want exit' },
  finishing: { files: LONG_FINISH, steps: ['up', 'WINCH'], stat: 'finish' },
  'finishing-down': { files: LONG_FINISH, steps: ['up', 'down'], stat: 'finish, want down' },
};

const COMMANDS = [
  ...['status', 'check', 'up', 'down', 'once', 'pause', 'cont', 'hup', 'alarm', 'interrupt', 'quit', '1', '2', 'term'],
  ...['kill', 'exit', 'start', 'stop', 'reload', 'restart', 'shutdown', 'try-restart'],
  ...['force-stop', 'force-reload', 'force-restart', 'force-shutdown'],
  ...['-v up', '-v down', '-v once', '-v pause', '-v cont', '-v hup', '-v term', '-v kill', '-v exit'],
];

interface Case extends Situation {
  readonly name: string;
  readonly situation: string;
  readonly command: string;
}

const cases: readonly Case[] = Object.entries(SITUATIONS).flatMap(([name, situation]) =>
  COMMANDS.map((command) => ({
    ...situation,
    name: `${name}.${command.replace('-v ', 'v-')}`,
    situation: name,
    command,
  })),
);

/** This many cases run at the same time: each of them mostly waits. */
const LANES = 48;

const sides: Side[] = [];
/** The answers of sv about the services of my_init. */
const answers: string[] = [];
afterAll(() => Promise.all(sides.map((side) => side.dispose())));

test('every command of sv has the same effect in every state as under runsvdir', async () => {
  const services = Object.fromEntries(cases.map(({ name, files }) => [name, files]));
  sides.push(new Runsvdir({ ...services, warm: DOWN }), await ours({ ...services, warm: DOWN }));
  await Promise.all(sides.map(takesOrders));
  const todo = [...cases];
  const differences: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) differences.push(...(await compare(next)));
  };
  await Promise.all(Array.from({ length: LANES }, work));
  expect(differences).toEqual([]);
  expect(answers.filter(isAway)).not.toEqual([]);
}, 900_000);

test.each(DIFFERENCES)('is documented: $title', ({ title }) => {
  const document = new URL('../../../docs/migrate-from-runit.md', import.meta.url);
  expect(readFileSync(document, 'utf8')).toContain(`\n| ${title} |`);
});

/** Waits until all accept orders: hundreds of services at once take a moment. */
async function takesOrders(side: Side): Promise<void> {
  await waitFor('all to be supervised', () =>
    [...cases, { name: 'warm' }].every(({ name }) => see(side, name).stat !== ''),
  );
  await say(side, 'up', 'warm');
  await waitFor('an order to be taken', () => see(side, 'warm').stat === 'run');
}

async function compare(moment: Case): Promise<string[]> {
  const said = await Promise.all(sides.map((side) => prepareAndSay(side, moment)));
  answers.push(said[1] ?? '');
  let [runit, mine] = ['', ''];
  const wanted = (): Outcome => translate(moment, { says: said[0] ?? '', ends: runit });
  const isSame = async (): Promise<boolean> => {
    [runit = '', mine = ''] = await Promise.all(sides.map((side) => outcome(side, moment)));
    return wanted().ends === mine;
  };
  await waitFor(moment.name, isSame, 60_000).catch(() => {});
  const { says, ends } = wanted();
  return [
    ...(isSameWord(moment, says, said[1] ?? '') ? [] : [`${moment.name} says: ${said[1]}, not: ${says}`]),
    ...(ends === mine ? [] : [`${moment.name} ends: ${mine}, not: ${ends}`]),
  ];
}

/** Brings a service into its situation, and gives the command. */
async function prepareAndSay(side: Side, { name, steps, stat, command }: Case): Promise<string> {
  await waitFor(`${name} to be supervised`, () => see(side, name).stat === 'down');
  for (const step of steps) {
    if (step === 'WINCH') await side.exec('kill', '-s', 'WINCH', String(see(side, name).pid));
    else await say(side, step, name);
    if (step !== 'WINCH') await waitFor(`${name} to run`, () => see(side, name).takesSignals);
  }
  await waitFor(`${name} to be: ${stat}`, () => see(side, name).stat === stat);
  // sv would take a run that began in this second for the new one that it waits for.
  await delay(Math.max(0, (see(side, name).since + 1) * 1000 - Date.now()));
  return say(side, ...command.split(' '), name);
}

/** The whole outcome. Ends what `finish` waits for. */
async function outcome(side: Side, { name, situation }: Case): Promise<string> {
  const { pid, stat, status, trace } = see(side, name);
  if (situation.startsWith('finishing') && stat.startsWith('finish'))
    await side.exec('kill', '-s', 'WINCH', String(pid));
  return `${stat} / ${status} / ${trace.replaceAll('\n', ' ')}`;
}
