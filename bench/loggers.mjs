/** The log collectors of this benchmark, and how each is configured. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MY_INIT } from './supervisors.mjs';
import { inPath } from './tools.mjs';

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {boolean} forwards whether it also writes everything to its standard output, which is a
 * pipe that is read
 * @property {() => boolean} isThere
 * @property {string} [source] where to get it
 * @property {string} process how the command line of the process begins that does the work
 * @property {(directory: string, writer: string) => string} command a shell command that starts it
 * with the writer
 */

/** @type {readonly Contender[]} */
export const CONTENDERS = [
  {
    name: 'my_init',
    forwards: false,
    isThere: () => true,
    process: 'node',
    command: (directory, writer) => myInit(directory, writer, '--log-output none'),
  },
  {
    name: 'my_init --log-dir',
    forwards: false,
    isThere: () => true,
    process: 'node',
    command: (directory, writer) =>
      myInit(directory, writer, `--log-output none --log-dir ${directory}/log --log-file-size 1m --log-files 2`),
  },
  {
    name: 'supervisord',
    forwards: false,
    isThere: () => inPath('supervisord'),
    source: 'Debian package supervisor',
    process: 'supervisord',
    command: (directory, writer) =>
      supervisord(
        directory,
        writer,
        `stdout_logfile=${directory}/log\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=1`,
      ),
  },
  {
    name: 'svlogd',
    forwards: false,
    isThere: () => inPath('svlogd'),
    source: 'Debian package runit',
    process: 'svlogd',
    command: (directory, writer) => {
      mkdirSync(join(directory, 'log'));
      writeFileSync(join(directory, 'log/config'), 's1000000\nn2\n');
      return `${writer} | svlogd -ttt ${directory}/log`;
    },
  },
  {
    name: 's6-log',
    forwards: false,
    isThere: () => inPath('s6-log'),
    source: 'Debian package s6',
    process: 's6-log',
    command: (directory, writer) => `${writer} | s6-log T n2 s1000000 ${directory}/log`,
  },
  {
    name: 'my_init',
    forwards: true,
    isThere: () => true,
    process: 'node',
    command: (directory, writer) => myInit(directory, writer, '--log-output raw'),
  },
  {
    name: 'supervisord',
    forwards: true,
    isThere: () => inPath('supervisord'),
    source: 'Debian package supervisor',
    process: 'supervisord',
    command: (directory, writer) =>
      supervisord(directory, writer, 'stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0'),
  },
  {
    name: 's6-log',
    forwards: true,
    isThere: () => inPath('s6-log'),
    source: 'Debian package s6',
    process: 's6-log',
    command: (directory, writer) => `${writer} | s6-log T n2 s1000000 ${directory}/log 1`,
  },
];

function myInit(directory, writer, options) {
  mkdirSync(join(directory, 'service/writer'), { recursive: true });
  writeFileSync(join(directory, 'service/writer/run'), `#!/bin/sh\nexec ${writer}\n`, { mode: 0o755 });
  return `exec ${MY_INIT} --service-dir ${directory}/service --socket ${directory}/socket --http-listen none ${options}`;
}

function supervisord(directory, writer, log) {
  const configuration = `[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=${directory}/pid
[program:writer]
command=${writer}
${log}
`;
  writeFileSync(join(directory, 'supervisord.conf'), configuration);
  return `exec supervisord -c ${directory}/supervisord.conf`;
}
