import { nearest } from '../../src/text/nearest-name.js';
import type { Command } from './command.js';
import { ExitCode } from './exit-code.js';
import { Problem } from './problem.js';
import { parseDuration } from './text/duration.js';

/** An option as `--help` and the completion show it, and the parser knows it. */
export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** The name of the option's value; an option without one is a flag. */
  readonly value?: string;
  /** The only values it takes. */
  readonly choices?: readonly string[];
  /** May be given several times: {@link CommandLine.given} has all values, one after the other. */
  readonly repeats?: true;
  readonly help: string;
}

/** Of most commands. */
export const FORMATS = ['table', 'wide', 'json', 'jsonl', 'name'] as const;
export type Format = (typeof FORMATS)[number] | 'svg';

const HELP: OptionSpec = { name: 'help', short: 'h', help: 'show this help' };
const SOCKET: OptionSpec = { name: 'socket', value: 'PATH', help: "my_init's socket (or MY_INIT_SOCKET)" };
const HOST: OptionSpec = {
  name: 'host',
  short: 'H',
  value: 'HOST',
  repeats: true,
  help: 'another container, or several (or MY_INIT_HOST): docker://NAME …',
};
const MAX_PARALLEL: OptionSpec = { name: 'max-parallel', value: 'N', help: 'at most N hosts at the same time (16)' };
const YES: OptionSpec = { name: 'yes', short: 'y', help: 'change several hosts without asking' };
const NO_COLOR: OptionSpec = { name: 'no-color', help: 'no colours (or NO_COLOR); they are for terminals only' };

/** The options of every command. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [SOCKET, HOST, MAX_PARALLEL, YES, NO_COLOR, HELP];

/** An option that may stand instead of a command. */
export const VERSION_OPTION: OptionSpec = { name: 'version', short: 'V', help: 'show the version of svctl' };

/** `-o` with the formats that a command has. */
export function outputOption(formats: readonly Format[]): OptionSpec {
  return { name: 'output', short: 'o', value: 'FORMAT', choices: formats, help: `${formats.join(', ')}` };
}

export function timeoutOption(help: string): OptionSpec {
  return { name: 'timeout', value: 'TIME', help: `${help}: 10, 500ms, 2m` };
}

/** Between the values of an option that repeats; no argument has it. */
export const BETWEEN = '\0';

/** The command line, taken apart. */
export interface CommandLine {
  /** The words that are no options: the command and its operands. */
  readonly words: readonly string[];
  /** Options by name, in the order given; '' for a flag. */
  readonly given: ReadonlyMap<string, string>;
}

/**
 * Takes the arguments apart: options may stand anywhere, `--` ends them, `--name=value`, `--name
 * value`, `-ovalue`. `known` are the options of all commands. Throws {@link Problem} for an unknown
 * option or a missing value.
 */
export function parseCommandLine(args: readonly string[], known: readonly OptionSpec[]): CommandLine {
  const words: string[] = [];
  const given = new Map<string, string>();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      words.push(...rest);
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    const { option, inline } = arg.startsWith('--') ? longOption(arg, known) : shortOption(arg, known, rest);
    if (option.value === undefined && inline !== undefined) throw usage(`--${option.name} takes no value`);
    const value = option.value === undefined ? '' : (inline ?? rest.shift());
    if (value === undefined)
      throw usage(`--${option.name} needs a value: ${option.choices ? oneOf(option.choices) : option.value}`);
    const before = option.repeats ? given.get(option.name) : undefined;
    given.set(option.name, before === undefined ? value : before + BETWEEN + value);
  }
  return { words, given };
}

/**
 * Throws {@link Problem} for an option that the command does not take, or a value that it is not to
 * have.
 */
export function checkOptions(given: CommandLine['given'], command: string, options: readonly OptionSpec[]): void {
  for (const [name, value] of given) {
    const option = options.find((candidate) => candidate.name === name);
    if (option === undefined) {
      throw usage(`${command} takes no --${name}`, `svctl ${command} --help lists its options.`);
    }
    if (option.choices !== undefined && !option.choices.includes(value)) {
      const meant = nearest(value, option.choices);
      throw usage(
        `--${name} cannot be "${value}": use ${oneOf(option.choices)}${meant === undefined ? '' : `. Did you mean ${meant}?`}`,
      );
    }
  }
}

/** Throws {@link Problem} for names after a command that takes none. */
export function checkOperands({ name, operands }: Pick<Command, 'name' | 'operands'>, words: readonly string[]): void {
  if (operands === 'none' && words.length > 0) {
    throw usage(`${name} takes no names`, `svctl ${name} --help says more.`);
  }
}

/**
 * A duration among the options, in milliseconds; undefined when not given. Throws {@link Problem}
 * when it is none.
 */
export function durationOption(given: CommandLine['given'], name: string): number | undefined {
  const value = given.get(name);
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms === undefined) throw usage(`--${name} cannot be "${value}": use a time like 10, 500ms or 2m`);
  return ms;
}

/** A mistake on the command line. */
export function usage(message: string, hint = ''): Problem {
  return new Problem(ExitCode.usage, message, hint);
}

/** Choices as a sentence has them: `a, b or c`. */
function oneOf(choices: readonly string[]): string {
  const last = choices.at(-1) ?? '';
  return choices.length < 2 ? last : `${choices.slice(0, -1).join(', ')} or ${last}`;
}

interface Found {
  readonly option: OptionSpec;
  readonly inline: string | undefined;
}

function longOption(arg: string, known: readonly OptionSpec[]): Found {
  const equals = arg.indexOf('=');
  const name = arg.slice(2, equals < 0 ? undefined : equals);
  const option = known.find((candidate) => candidate.name === name);
  if (option === undefined) throw unknown(`--${name}`, name, known);
  return { option, inline: equals < 0 ? undefined : arg.slice(equals + 1) };
}

function shortOption(arg: string, known: readonly OptionSpec[], rest: string[]): Found {
  const letter = arg.charAt(1);
  const option = known.find((candidate) => candidate.short === letter);
  if (option === undefined) throw unknown(arg.length > 2 ? arg : `-${letter}`, arg.replace(/^-+/, ''), known);
  if (arg.length === 2) return { option, inline: undefined };
  if (option.value !== undefined) return { option, inline: arg.slice(2).replace(/^=/, '') };
  rest.unshift(`-${arg.slice(2)}`);
  return { option, inline: undefined };
}

function unknown(shown: string, name: string, known: readonly OptionSpec[]): Problem {
  const meant = nearest(
    name,
    known.map((option) => option.name),
  );
  return usage(
    `no option ${shown}${meant === undefined ? '' : `. Did you mean --${meant}?`}`,
    meant === undefined ? 'svctl --help and svctl COMMAND --help list the options.' : '',
  );
}
