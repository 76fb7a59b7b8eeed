import type { Command } from '../command.js';
import type { OptionSpec } from '../options.js';
import type { Vocabulary } from './vocabulary.js';

/** The completion for zsh, for `source <(…)` after compinit or as a file `_svctl` in fpath. */
export function zshCompletion({ commands, common, signals, checks, shells }: Vocabulary): string {
  return `#compdef svctl
# zsh completion for svctl. To use it: source <(svctl completion zsh)
_svctl_services() {
  local -a services
  services=(\${(f)"$(svctl \${socket:+--socket=$socket} \${host:+--host=$host} --timeout=1s status -o name 2>/dev/null)"})
  compadd -a services
}

_svctl_hosts() {
  local -a hosts
  hosts=(\${(f)"$(svctl list-hosts -- "$PREFIX" 2>/dev/null)"})
  compadd -a hosts
}

_svctl() {
  local context state line socket= host=
  local -A opt_args
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      --socket) socket=$words[i+1] ;;
      --socket=*) socket=\${words[i]#--socket=} ;;
      -H|--host) host=$words[i+1] ;;
      --host=*) host=\${words[i]#--host=} ;;
    esac
  done
  local -a common=(
${common.map(argument).join('\n')}
  )
  _arguments -C $common '1: :->command' '*:: :->rest' && return
  case $state in
    command)
      local -a commands=(
${commands.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`).join('\n')}
      )
      _describe -t commands command commands
      ;;
    rest)
      case $words[1] in
${commands.map((command) => commandCase(command, signals, checks, shells)).join('\n')}
      esac
      ;;
  esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _svctl "$@"; else compdef _svctl svctl; fi
`;
}

function commandCase(
  command: Command,
  signals: readonly string[],
  checks: readonly string[],
  shells: readonly string[],
): string {
  const operands = operandArguments(command, signals, checks, shells).map(quoted);
  return `        ${command.name})
          _arguments $common \\
${[...command.options.map(argument), ...operands].map((text) => `            ${text.trim()}`).join(' \\\n')}
          ;;`;
}

function operandArguments(
  { operands }: Command,
  signals: readonly string[],
  checks: readonly string[],
  shells: readonly string[],
): string[] {
  switch (operands) {
    case 'services':
      return ['*:service:_svctl_services'];
    case 'signal-and-services':
      return [`1:signal:(${signals.join(' ')})`, '*:service:_svctl_services'];
    case 'health':
      return [`*:check:{ compadd ${checks.join(' ')}; _svctl_services }`];
    case 'shell':
      return [`1:shell:(${shells.join(' ')})`];
    case 'program':
      return ['*::program:_normal'];
    case 'none':
      return [];
    default:
      return operands satisfies never;
  }
}

/** The action that completes the value of an option. */
const ACTIONS: Readonly<Record<string, string>> = { socket: '_files', host: '_svctl_hosts' };

function argument({ name, short, value, choices, help }: OptionSpec): string {
  const text = help.replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', ' ');
  const action = choices !== undefined ? `(${choices.join(' ')})` : (ACTIONS[name] ?? ' ');
  const tail = `[${text}]${value === undefined ? '' : `:${value}:${action}`}`;
  const long = `--${name}${value === undefined ? '' : '='}`;
  return short === undefined
    ? `    ${quoted(long + tail)}`
    : `    {-${short}${value === undefined ? '' : '+'},${long}}${quoted(tail)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
