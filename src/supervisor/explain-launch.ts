import { join } from 'node:path';
import { keyOfStage } from '../process/launch-arguments.js';
import { checkProgram } from '../process/program-check.js';
import type { LaunchFailure } from '../process/start-register.js';
import type { Command, Definition, Origin } from './definition/definition.js';

type Failed = Pick<Definition, 'directory' | 'command' | 'execution' | 'origins'>;

/**
 * Why `launch` could not become the command of a service, with the key, its value and where it is
 * written.
 */
export function explainLaunch(definition: Failed, { stage, code }: LaunchFailure): string {
  const { directory, command, execution } = definition;
  if (stage === 'chdir') {
    const path = execution.workingDirectory ?? directory ?? '/';
    const key = execution.workingDirectory === undefined ? '' : `${originOf(definition, 'working_dir')}working_dir: `;
    return `${key}${path}: cannot be entered (${code === 'ENOENT' ? 'it does not exist' : code})`;
  }
  const program = programOf(command, directory);
  if (stage === 'exec') return explainExec(program, command, code);
  const key = keyOfStage(stage);
  const value = valueAt(execution, key);
  if (value === undefined) return `${program}: cannot be executed (${stage}: ${code})`;
  const name = key.replace(/^group_add\..*/, 'group_add');
  return `${originOf(definition, name)}${name}: ${value}: ${explainIdentity(stage, code)}`;
}

const programOf = (command: Command, directory: string | undefined): string => {
  if (command.kind === 'argv') return command.argv[0] ?? '';
  return command.kind === 'run' ? join(directory ?? '/', 'run') : '/bin/sh';
};

function explainExec(program: string, command: Command, code: string): string {
  if (code === 'E2BIG')
    return `${program}: cannot be executed: its environment is too big, or one variable of it (E2BIG)`;
  if (command.kind === 'argv' && !program.includes('/') && code === 'ENOENT')
    return `${program}: not found in PATH of the service`;
  const trouble = program.startsWith('/') ? checkProgram(program) : undefined;
  if (trouble !== undefined) return trouble;
  if (code === 'EACCES') return `${program}: permission denied for the user of the service`;
  return `${program}: cannot be executed (exec: ${code})`;
}

function explainIdentity(stage: string, code: string): string {
  if (code === 'ENOENT' && stage === 'user') return 'there is no such user in /etc/passwd';
  if (code === 'ENOENT' && (stage === 'group' || stage.startsWith('group_add')))
    return 'there is no such group in /etc/group';
  if (code !== 'EPERM' && code !== 'EACCES') return `cannot be set (${code})`;
  if (stage === 'user' || stage.startsWith('group'))
    return `needs the capabilities SETUID and SETGID, which root in a container may lack (${code})`;
  return `needs the capability ${stage === 'nice' ? 'SYS_NICE' : 'SYS_RESOURCE'}, which root in a container may lack (${code})`;
}

function valueAt(
  { user, groupAdd, nice, oomScoreAdj, ulimits }: Definition['execution'],
  key: string,
): string | undefined {
  const [name, part = ''] = key.split('.');
  switch (name) {
    case 'user':
      return user;
    case 'group_add':
      return part === '' ? groupAdd.join(', ') : groupAdd[Number(part)];
    case 'nice':
      return nice?.toString();
    case 'oom_score_adj':
      return oomScoreAdj?.toString();
    case 'ulimits': {
      const limit = ulimits.get(part);
      return limit && (limit.soft === limit.hard ? String(limit.hard) : `{soft: ${limit.soft}, hard: ${limit.hard}}`);
    }
    default:
      return undefined;
  }
}

/** `/etc/my_init/services.yaml:12: ` */
function originOf({ origins }: Failed, key: string): string {
  const origin: Origin | undefined = origins.get(key) ?? origins.get(key.split('.')[0] ?? '');
  if (origin === undefined) return '';
  return origin.line === 0 ? `${origin.file}: ` : `${origin.file}:${origin.line}: `;
}
