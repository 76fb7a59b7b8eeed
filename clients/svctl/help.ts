import type { Command } from './command.js';
import { EXIT_CODE_MEANINGS } from './exit-code.js';
import { COMMON_OPTIONS, type OptionSpec, VERSION_OPTION } from './options.js';

/** The part of the help that differs where svctl has another name. */
export interface HelpOf {
  readonly usage: string;
  /** Options with a heading of their own, before the common ones. */
  readonly own: readonly string[];
}

const OF_SVCTL: HelpOf = { usage: 'svctl [COMMAND] [OPTIONS] [NAME…]', own: [] };

/** `svctl --help`. */
export function generalHelp(commands: readonly Command[], { usage, own } = OF_SVCTL): string {
  return [
    `Usage: ${usage}`,
    '',
    wrapped(
      'Shows and controls the services of a container that my_init runs. NAME is a service or a pattern like "web-*".',
    ),
    '',
    'Commands:',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    ...own,
    'Options:',
    ...optionLines([...COMMON_OPTIONS, VERSION_OPTION]),
    '',
    'Exit codes:',
    ...EXIT_CODE_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`),
    '',
    'svctl COMMAND --help describes a command and its options.',
    '',
  ].join('\n');
}

/** `svctl COMMAND --help`. */
export function commandHelp({ name, usage, description, options, examples }: Command): string {
  return [
    `Usage: svctl ${name} [OPTIONS] ${usage}`.trimEnd(),
    '',
    wrapped(description),
    '',
    'Options:',
    ...optionLines([...options, ...COMMON_OPTIONS]),
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** One line for each. */
export function optionLines(options: readonly OptionSpec[]): string[] {
  return columns(
    options.map(({ name, short, value, help }) => [
      `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
      help,
    ]),
  );
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

const WIDTH = 80;

function wrapped(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
