import { basename } from 'node:path';
import { Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { ExitCode } from '../exit-code.js';
import { NO_WAIT, operate, waiting, waitOption } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption, usage } from '../options.js';
import { literal, readyKey } from '../ready-key.js';
import { startWords } from './start.js';

const RESTARTS = ['no', 'on-failure', 'always'] as const;

export const run: Command = {
  name: 'run',
  summary: 'run a command as a service, until it is stopped',
  usage: '-- PROGRAM [ARGUMENT…]',
  operands: 'program',
  description:
    'Starts the program as a transient service: supervised, logged and listed like any other. The service survives svctl. svctl stop NAME stops and removes it, with its log; with --keep the service stays, down. The program runs in the current directory (with -H, in /), with the environment of the container and the variables of --env.',
  examples: [
    'svctl run --name dev --ready tcp:3000 -- npm run dev',
    'svctl run --name worker --restart on-failure --env QUEUE=low -- ./worker.py',
    'svctl run --no-wait -- sleep 60',
  ],
  options: [
    { name: 'name', value: 'NAME', help: 'the name of the service (the name of the program)' },
    {
      name: 'ready',
      value: 'PROBE',
      help: 'the readiness probe: tcp:PORT, http://…, file:PATH, log:PATTERN …',
    },
    { name: 'restart', value: 'WHEN', choices: RESTARTS, help: `when to restart it: ${RESTARTS.join(', ')} (no)` },
    { name: 'env', value: 'NAME=VALUE', repeats: true, help: 'an environment variable; may be repeated' },
    { name: 'user', value: 'USER', help: 'run as NAME, UID or USER:GROUP (the user of my_init)' },
    { name: 'cwd', value: 'DIRECTORY', help: 'the working directory' },
    { name: 'keep', help: 'keep the service, down, after a stop' },
    waitOption(['none', 'started', 'ready'], 'ready'),
    NO_WAIT,
    timeoutOption('how long to wait (30 s)'),
    outputOption(FORMATS),
  ],
  run: runProgram,
};

function runProgram(context: Context): Promise<ExitCode> {
  const [program, ...args] = context.operands;
  if (program === undefined) throw usage('run: which program?', 'svctl run [OPTIONS] -- PROGRAM [ARGUMENT…]');
  const request = {
    name: context.option('name') ?? basename(program),
    command: [program, ...args],
    definition: JSON.stringify(definitionOf(context)),
    keep: context.has('keep'),
    requestId: '',
    ...waiting(context),
  };
  return operate(context, Services.run, request, startWords);
}

/** The options in the words of service.yaml. */
function definitionOf(context: Context): object {
  const [ready, restart, user] = ['ready', 'restart', 'user'].map((name) => context.option(name));
  const directory = context.option('cwd') ?? (context.isRemote ? undefined : process.cwd());
  const environment = context.options('env').map(variable);
  return {
    ...(ready !== undefined && { ready: readyKey(ready) }),
    ...(restart !== undefined && { restart }),
    ...(user !== undefined && { user: literal(user) }),
    ...(directory !== undefined && { working_dir: literal(directory) }),
    ...(environment.length > 0 && { environment: Object.fromEntries(environment) }),
  };
}

function variable(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw usage(`--env cannot be "${text}": use NAME=VALUE`);
  return [text.slice(0, equals), literal(text.slice(equals + 1))];
}
