import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programFault } from '../../process/program-check.js';
import { parseSignal } from '../../process/signals.js';
import type { ServiceName } from '../../types/service.js';
import { isServiceName } from '../service-directory.js';
import type { Command, Definition, DefinitionRead, Dependency, Problem } from './definition.js';
import { splitCommand } from './split-command.js';

/** Bundles of s6-overlay that its own services make up: nothing is to be waited for. */
const OF_S6_OVERLAY = new Set(['base', 'legacy-services', 'legacy-cont-init', 'preinit']);
/** Files that have a meaning in s6-rc which my_init does not implement. */
const REFUSED = ['producer-for', 'consumer-for', 'max-death-tally'];

/** Whether a directory is a bundle of s6-rc: a name for several services, and no service. */
export const isBundle = (directory: string): boolean => textOf(join(directory, 'type')) === 'bundle';

/**
 * Adds the settings in the plain files of s6 and s6-rc beside `run`,
 * https://skarnet.org/software/s6-rc/s6-rc-compile.html: `type`, `up`, `notification-fd`,
 * `timeout-up`, `timeout-kill`, `timeout-finish`, `down-signal`, `reload-signal`, `flag-essential`,
 * `dependencies.d/`.
 */
export function withS6Files(plain: DefinitionRead, directory: string): DefinitionRead {
  const files = new Set(namesIn(directory));
  const problems: Problem[] = [];
  const { name } = plain.definition;
  const fail = (file: string, message: string, remedy: string): void => {
    const path = join(directory, file);
    const origin = { file: path, line: 0, column: 0 };
    problems.push({
      id: 's6-file',
      severity: 'error',
      service: name,
      key: '',
      origin,
      message: `${path}: ${message}`,
      remedy,
    });
  };
  const numberIn = (file: string, least: number): number | undefined => {
    if (!files.has(file)) return undefined;
    const text = textOf(join(directory, file));
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    fail(file, `must have a whole number of at least ${least}, not "${text}"`, 'correct or remove it');
    return undefined;
  };
  /** Milliseconds; 0 is no limit. */
  const timeIn = (file: string): number | undefined => {
    const ms = numberIn(file, 0);
    return ms === 0 ? Number.POSITIVE_INFINITY : ms;
  };

  const signalIn = (file: string): NodeJS.Signals | undefined => {
    if (!files.has(file)) return undefined;
    const text = textOf(join(directory, file));
    const signal = parseSignal(text);
    if (signal === undefined) fail(file, `must have a signal like QUIT, not "${text}"`, 'correct or remove it');
    return signal;
  };

  for (const file of REFUSED) if (files.has(file)) fail(file, 'is not in this version of my_init', 'remove it');
  const kind = files.has('type') ? textOf(join(directory, 'type')) : 'longrun';
  const isOneshot = kind === 'oneshot';
  if (kind !== 'longrun' && !isOneshot) fail('type', `must be longrun, oneshot or bundle, not "${kind}"`, 'correct it');
  const up = isOneshot ? commandIn(join(directory, 'up')) : undefined;
  if (typeof up === 'string') fail('up', up, 'write the path of a script, with its arguments');
  const fd = numberIn('notification-fd', 3);
  const downSignal = signalIn('down-signal');
  const reloadSignal = signalIn('reload-signal');
  const base = plain.definition;
  const definition: Definition = {
    ...base,
    type: isOneshot ? 'oneshot' : base.type,
    command: typeof up === 'object' ? up : base.command,
    ready: fd === undefined ? base.ready : { kind: 'notify_fd', fd },
    startTimeoutMs: timeIn('timeout-up') ?? base.startTimeoutMs,
    finishTimeoutMs: timeIn('timeout-finish') ?? base.finishTimeoutMs,
    stop: {
      ...base.stop,
      signals: downSignal === undefined ? base.stop.signals : [{ signal: downSignal, waitMs: undefined }],
      graceMs: timeIn('timeout-kill') ?? base.stop.graceMs,
    },
    reload: reloadSignal === undefined ? base.reload : { kind: 'signal', signal: reloadSignal },
    stopsByNameOnly: files.has('flag-essential'),
    policy: isOneshot ? { ...base.policy, restart: 'no' } : base.policy,
    dependsOn: files.has('dependencies.d') || files.has('dependencies') ? dependenciesOf(directory) : base.dependsOn,
  };
  return { definition, problem: problems[0] ?? (isOneshot ? undefined : plain.problem) };
}

/** The command line of `up`, or why it cannot be run. A script is executed itself. */
function commandIn(file: string): Command | string {
  const text = textOf(file);
  if (text === '') return 'is missing or empty';
  if (text.startsWith('#!') && programFault(file) === undefined) return { kind: 'argv', argv: [file] };
  const line = text
    .split('\n')
    .filter((each) => !each.startsWith('#'))
    .join(' ');
  const argv = splitCommand(line);
  return argv ? { kind: 'argv', argv } : 'is a program of execline, which my_init does not read';
}

/** The services that `dependencies.d` names, those of bundles among them. */
function dependenciesOf(directory: string): readonly Dependency[] {
  const parent = dirname(directory);
  const found = new Set<ServiceName>();
  const seen = new Set<string>();
  const add = (names: readonly string[]): void => {
    for (const name of names) {
      if (seen.has(name)) continue;
      seen.add(name);
      const of = join(parent, name);
      if (isBundle(of)) add(listIn(of, 'contents'));
      else if (isServiceName(name) && (existsSync(of) || !OF_S6_OVERLAY.has(name))) found.add(name);
    }
  };
  add(listIn(directory, 'dependencies'));
  return [...found].map((on) => ({ on, condition: 'ready', required: true, restart: false }));
}

/** Names in `WHAT.d`, and in the lines of the file WHAT. */
function listIn(directory: string, what: string): readonly string[] {
  const lines = textOf(join(directory, what)).split('\n');
  return [...namesIn(join(directory, `${what}.d`)), ...lines.filter((line) => line !== '' && !line.startsWith('#'))];
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
