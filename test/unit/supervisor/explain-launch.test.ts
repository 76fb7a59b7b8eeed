import { describe, expect, test } from '@jest/globals';
import type { Command, Execution } from '../../../src/supervisor/definition/definition.js';
import { explainLaunch } from '../../../src/supervisor/explain-launch.js';

const EXECUTION: Execution = {
  user: 'postgres:admin',
  groupAdd: ['audio', 'backup'],
  workingDirectory: '/srv/app',
  umask: undefined,
  nice: -5,
  oomScoreAdj: -900,
  ulimits: new Map([
    ['memlock', { soft: 65536, hard: 65536 }],
    ['nofile', { soft: 100, hard: 200 }],
  ]),
};
const FILE = '/etc/my_init/services.yaml';

function explain(stage: string, code: string, command: Command = { kind: 'argv', argv: ['postgres'] }): string {
  const at = (line: number) => ({ file: FILE, line, column: 5 });
  const origins = new Map([
    ['user', at(3)],
    ['group_add', at(4)],
    ['ulimits.memlock', at(5)],
    ['ulimits', at(5)],
    ['working_dir', at(9)],
  ]);
  return explainLaunch({ directory: undefined, command, execution: EXECUTION, origins }, { stage, code });
}

describe('a start that fails before the program runs', () => {
  test.each([
    ['user', 'ENOENT', `${FILE}:3: user: postgres:admin: there is no such user in /etc/passwd`],
    ['group', 'ENOENT', `${FILE}:3: user: postgres:admin: there is no such group in /etc/group`],
    [
      'user',
      'EPERM',
      `${FILE}:3: user: postgres:admin: needs the capabilities SETUID and SETGID, which root in a container may lack (EPERM)`,
    ],
    ['group_add.1', 'ENOENT', `${FILE}:4: group_add: backup: there is no such group in /etc/group`],
    [
      'ulimits.8',
      'EPERM',
      `${FILE}:5: ulimits.memlock: 65536: needs the capability SYS_RESOURCE, which root in a container may lack (EPERM)`,
    ],
    ['ulimits.7', 'EINVAL', `${FILE}:5: ulimits.nofile: {soft: 100, hard: 200}: cannot be set (EINVAL)`],
    ['nice', 'EACCES', 'nice: -5: needs the capability SYS_NICE, which root in a container may lack (EACCES)'],
    [
      'oom_score_adj',
      'EACCES',
      'oom_score_adj: -900: needs the capability SYS_RESOURCE, which root in a container may lack (EACCES)',
    ],
    ['chdir', 'ENOENT', `${FILE}:9: working_dir: /srv/app: cannot be entered (it does not exist)`],
    ['exec', 'ENOENT', 'postgres: not found in PATH of the service'],
    ['exec', 'EACCES', 'postgres: permission denied for the user of the service'],
    ['descriptors', 'EBADF', 'postgres: cannot be executed (descriptors: EBADF)'],
  ])('%s %s: %s %s', (stage, code, words) => {
    expect(explain(stage, code)).toBe(words);
  });

  test('a path is looked at, as ENOENT may be about its interpreter', () => {
    const command = { kind: 'argv', argv: ['/none/at/all'] } as const;
    expect(explain('exec', 'ENOENT', command)).toBe('/none/at/all: does not exist');
    expect(explain('exec', 'EACCES', { kind: 'argv', argv: ['/bin/true'] })).toBe(
      '/bin/true: permission denied for the user of the service',
    );
  });
});
