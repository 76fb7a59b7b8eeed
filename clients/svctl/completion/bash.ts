import type { Command } from '../command.js';
import { longNames, type Vocabulary, valueOptions } from './vocabulary.js';

/** The completion for bash; needs nothing but bash itself (3.2 and later). */
export function bashCompletion(vocabulary: Vocabulary): string {
  const { commands, common, signals, checks, shells } = vocabulary;
  return `# bash completion for svctl. To use it: source <(svctl completion bash)
_svctl_services() {
  "$svctl" \${socket:+"--socket=$socket"} \${host:+"--host=$host"} --timeout=1s status -o name 2>/dev/null
}

_svctl() {
  local svctl=\${COMP_WORDS[0]} command= socket= host= option= operands=0 i word choices= cur
  local -a words=()
  COMPREPLY=()
  # Bash takes docker://web apart at its colon.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((i > 1)) && [[ $word == :* || \${words[\${#words[@]} - 1]} == *: ]]; then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
  done
  cur=\${words[\${#words[@]} - 1]}
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word=\${words[i]}
    if [[ $option ]]; then
      [[ $word == = ]] && continue
      case $option in
        --socket) socket=$word ;;
        -H | --host) host=$word ;;
      esac
      option=
      continue
    fi
    case $word in
      ${valueOptions(vocabulary).join(' | ')}) option=$word ;;
      -*) ;;
      *)
        if [[ $command ]]; then
          operands=$((operands + 1))
        else
          command=$word
        fi
        ;;
    esac
  done
  [[ $cur == = ]] && cur=
  case $option in
    --socket)
      local IFS=$'\\n'
      COMPREPLY=($(compgen -f -- "$cur"))
      return
      ;;
    -H | --host) choices=$("$svctl" list-hosts -- "$cur" 2>/dev/null) ;;
    -o | --output) choices='${vocabulary.formats.join(' ')}' ;;
    --wait)
      case $command in
${commands.filter(waits).map(waitCase).join('\n')}
      esac
      ;;
    ?*) return ;;
    *)
      if [[ $cur == -* ]]; then
        case $command in
${commands.map((command) => `          ${command.name}) choices='${longNames(command.options).join(' ')}' ;;`).join('\n')}
          '') choices='--version ${longNames(commands[0].options).join(' ')}' ;;
        esac
        choices="$choices ${longNames(common).join(' ')}"
      elif [[ ! $command ]]; then
        choices='${commands.map(({ name }) => name).join(' ')} help'
      else
        case $command in
          ${named(commands, 'services')}) choices=$(_svctl_services) ;;
          ${named(commands, 'signal-and-services')})
            if ((operands == 0)); then choices='${signals.join(' ')}'; else choices=$(_svctl_services); fi
            ;;
          ${named(commands, 'health')}) choices="${checks.join(' ')} $(_svctl_services)" ;;
          ${named(commands, 'shell')}) ((operands == 0)) && choices='${shells.join(' ')}' ;;
          ${named(commands, 'program')}) ((operands == 0)) && choices=$(compgen -c -- "$cur") ;;
          help) ((operands == 0)) && choices='${commands.map(({ name }) => name).join(' ')}' ;;
        esac
      fi
      ;;
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$cur"))
  # What stands before the last colon is a word of its own to bash.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    word=\${cur%"\${cur##*:}"}
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]#"$word"}; done
  fi
}

complete -F _svctl svctl
`;
}

function named(commands: readonly Command[], operands: Command['operands']): string {
  return commands
    .filter((command) => command.operands === operands)
    .map(({ name }) => name)
    .join(' | ');
}

function waits({ options }: Command): boolean {
  return options.some(({ name }) => name === 'wait');
}

function waitCase({ name, options }: Command): string {
  const levels = options.find((option) => option.name === 'wait')?.choices ?? [];
  return `        ${name}) choices='${levels.join(' ')}' ;;`;
}
