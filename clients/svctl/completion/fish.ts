import type { Command } from '../command.js';
import type { OptionSpec } from '../options.js';
import type { Vocabulary } from './vocabulary.js';

/** The completion for fish. */
export function fishCompletion({ commands, common, signals, checks, shells }: Vocabulary): string {
  const names = commands.map(({ name }) => name).join(' ');
  return `# fish completion for svctl. To use it: svctl completion fish | source
function __svctl_services
    set -l socket
    set -l host
    set -l words (commandline -opc)
    for i in (seq (count $words))
        switch $words[$i]
            case --socket
                test $i -lt (count $words); and set socket --socket=$words[(math $i + 1)]
            case '--socket=*'
                set socket $words[$i]
            case -H --host
                test $i -lt (count $words); and set host --host=$words[(math $i + 1)]
            case '--host=*'
                set host $words[$i]
        end
    end
    svctl $socket $host --timeout=1s status -o name 2>/dev/null
end

function __svctl_hosts
    svctl list-hosts -- (commandline -ct | string replace -r '^(-H|--host=)' '') 2>/dev/null
end

complete -c svctl -f
${common.map((option) => optionLine(option, '')).join('\n')}
complete -c svctl -n "not __fish_seen_subcommand_from ${names}" -l version -s V -d 'show the version of svctl'
${commands.map((command) => commandLines(command, names, signals, checks, shells)).join('\n')}
`;
}

function commandLines(
  command: Command,
  names: string,
  signals: readonly string[],
  checks: readonly string[],
  shells: readonly string[],
): string {
  const seen = `-n "__fish_seen_subcommand_from ${command.name}"`;
  return [
    `complete -c svctl -n "not __fish_seen_subcommand_from ${names}" -a ${command.name} -d ${quoted(command.summary)}`,
    ...command.options.map((option) => optionLine(option, ` ${seen}`)),
    ...operandWords(command, signals, checks, shells).map((words) => `complete -c svctl ${seen} -a ${quoted(words)}`),
  ].join('\n');
}

function operandWords(
  { operands }: Command,
  signals: readonly string[],
  checks: readonly string[],
  shells: readonly string[],
): string[] {
  switch (operands) {
    case 'services':
      return ['(__svctl_services)'];
    case 'signal-and-services':
      return [signals.join(' '), '(__svctl_services)'];
    case 'health':
      return [checks.join(' '), '(__svctl_services)'];
    case 'shell':
      return [shells.join(' ')];
    case 'program':
      return ['(__fish_complete_command)'];
    case 'none':
      return [];
    default:
      return operands satisfies never;
  }
}

function optionLine({ name, short, value, choices, help }: OptionSpec, condition: string): string {
  const letter = short === undefined ? '' : ` -s ${short}`;
  const files = name === 'socket' ? ' -rF' : ' -x';
  const words = name === 'host' ? '(__svctl_hosts)' : choices?.join(' ');
  const argument = value === undefined ? '' : files + (words === undefined ? '' : ` -a ${quoted(words)}`);
  return `complete -c svctl${condition} -l ${name}${letter}${argument} -d ${quoted(help)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
