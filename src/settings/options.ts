import { resolve } from 'node:path';
import type { ListenAddress } from '../listen/address.js';
import { type Environment, toText } from '../process/environment.js';
import { nearest } from '../text/nearest-name.js';
import { wordsOf } from '../text/words.js';
import type { LogOutput } from '../types/logs.js';
import { EXIT } from './exit-codes.js';
import { UsageError } from './usage-error.js';
import {
  absolute,
  bytes,
  limit,
  listenAddress,
  mode,
  oneOf,
  type SettingText,
  seconds,
  socketPath,
  wholeNumber,
} from './values.js';

const LOG_OUTPUTS = wordsOf<LogOutput>({ raw: true, prefix: true, json: true, none: true });
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where services are defined without `--services`. */
export const SERVICES_FILE = '/etc/my_init/services.yaml';

/** The command line, as it stands. */
export interface CommandLine {
  readonly help: boolean;
  readonly version: boolean;
  readonly enableInsecureKey: boolean;
  readonly skipStartupFiles: boolean;
  readonly skipServices: boolean;
  readonly killAllOnExit: boolean;
  readonly quiet: boolean;
  /** Values of the options that take one, by name. */
  readonly values: ReadonlyMap<Setting, string>;
  /** The main command; empty when there is none. */
  readonly command: readonly string[];
}

/** Everything that can be set, after the command line and the variables. Times are milliseconds. */
export interface Config {
  readonly logLevel: LogLevel;
  readonly logOutput: LogOutput;
  /** undefined: logs are kept in memory. */
  readonly logDirectory: string | undefined;
  readonly logFileBytes: number;
  readonly logFiles: number;
  /** For each source. */
  readonly logBufferBytes: number;
  readonly logBuffersBytes: number;
  readonly startupDirectory: string;
  readonly serviceDirectory: string;
  /** Further ones are in `services.d` beside it. */
  readonly servicesFile: string;
  /** undefined: the default places are tried. */
  readonly socket: string | undefined;
  readonly socketMode: number;
  readonly socketGroup: string | undefined;
  /** undefined: switched off. */
  readonly httpListen: ListenAddress | undefined;
  /** Infinity: none. */
  readonly scriptTimeoutMs: number;
  /** Of a service's `finish`; Infinity: none. */
  readonly finishTimeoutMs: number;
  readonly shutdownTimeoutMs: number | undefined;
  /** From TERM to KILL of the main command and of services; Infinity: no limit. */
  readonly killProcessTimeoutMs: number | undefined;
  /** From TERM to KILL of the last processes at the end; Infinity: no limit. */
  readonly killAllTimeoutMs: number | undefined;
}

interface SettingRule {
  readonly variable: string;
  readonly value: string;
  readonly help: string;
}

/** The options that take a value; each also is a variable, and the option wins. */
const SETTINGS = {
  'service-dir': { variable: 'MY_INIT_SERVICE_DIR', value: 'DIR', help: 'the services directory (/etc/service)' },
  services: {
    variable: 'MY_INIT_SERVICES',
    value: 'FILE',
    help: 'a file that defines services (/etc/my_init/services.yaml)',
  },
  socket: {
    variable: 'MY_INIT_SOCKET',
    value: 'PATH',
    help: 'the socket of the API, for svctl (/run/my_init/my_init.sock)',
  },
  'socket-mode': {
    variable: 'MY_INIT_SOCKET_MODE',
    value: 'MODE',
    help: 'the mode of the socket (0660); 0666 lets every user read',
  },
  'socket-group': {
    variable: 'MY_INIT_SOCKET_GROUP',
    value: 'GROUP',
    help: 'a group whose members may change services, too; name or number',
  },
  'http-listen': {
    variable: 'MY_INIT_HTTP_LISTEN',
    value: 'ADDRESS',
    help: 'the address of probes and metrics (:9180); none: no HTTP',
  },
  'log-level': { variable: 'MY_INIT_LOG_LEVEL', value: 'LEVEL', help: 'error, warn, info or debug (info)' },
  'log-output': {
    variable: 'MY_INIT_LOG_OUTPUT',
    value: 'MODE',
    help: 'the output of services on that of the container: raw, prefix, json or none (raw)',
  },
  'log-buffer': { variable: 'MY_INIT_LOG_BUFFER', value: 'SIZE', help: 'memory for the log of a service (256k)' },
  'log-buffers': { variable: 'MY_INIT_LOG_BUFFERS', value: 'SIZE', help: 'memory for all logs together (64m)' },
  'log-dir': { variable: 'MY_INIT_LOG_DIR', value: 'DIR', help: 'keep logs in files of this directory, not in memory' },
  'log-file-size': {
    variable: 'MY_INIT_LOG_FILE_SIZE',
    value: 'SIZE',
    help: 'the size at which a log file is rotated (10m)',
  },
  'log-files': { variable: 'MY_INIT_LOG_FILES', value: 'NUMBER', help: 'log files kept for a service (5)' },
  'script-timeout': {
    variable: 'MY_INIT_SCRIPT_TIMEOUT',
    value: 'SECONDS',
    help: 'the time limit of a startup script (900); 0: none',
  },
  'finish-timeout': {
    variable: 'MY_INIT_FINISH_TIMEOUT',
    value: 'SECONDS',
    help: 'the time limit of a finish script (5); 0: none',
  },
  'shutdown-timeout': {
    variable: 'MY_INIT_SHUTDOWN_TIMEOUT',
    value: 'SECONDS',
    help: 'the time limit of the whole shutdown (8)',
  },
} as const satisfies Record<string, SettingRule>;

export type Setting = keyof typeof SETTINGS;

const FLAGS = {
  'skip-startup-files': 'do not run /etc/my_init.d/* and /etc/rc.local',
  'skip-runit': 'do not run the services',
  'no-kill-all-on-exit': 'do not kill the remaining processes at the end',
  quiet: 'log warnings and errors only',
  'enable-insecure-key': 'let root log in with the insecure SSH key',
  help: 'show this help',
  version: 'show the version',
} as const;

type Flag = keyof typeof FLAGS;

/**
 * Reads the command line. Options end at `--` or at the first word that is not one. Throws
 * {@link UsageError}.
 */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const flags = new Set<Flag>();
  const values = new Map<Setting, string>();
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    const name = word === '-h' ? 'help' : (word.replace(/^--/, '').split('=', 1)[0] ?? '');
    const equals = word.indexOf('=');
    if (isFlag(name) && (word === `--${name}` || word === '-h')) flags.add(name);
    else if (isSetting(name) && word.startsWith('--')) {
      const value = equals > 0 ? word.slice(equals + 1) : words[++at];
      if (value === undefined)
        throw new UsageError(`--${name} needs a value: --${name} ${SETTINGS[name].value}`, EXIT.usage);
      values.set(name, value);
    } else throw unknownOption(word, name);
  }
  const command = words.slice(at);
  if (flags.has('skip-runit') && command.length === 0 && !flags.has('help') && !flags.has('version'))
    throw new UsageError('When --skip-runit is given, you must also pass a main command.', EXIT.usage);
  return {
    help: flags.has('help'),
    version: flags.has('version'),
    enableInsecureKey: flags.has('enable-insecure-key'),
    skipStartupFiles: flags.has('skip-startup-files'),
    skipServices: flags.has('skip-runit'),
    killAllOnExit: !flags.has('no-kill-all-on-exit'),
    quiet: flags.has('quiet'),
    values,
    command,
  };
}

/**
 * Everything that can be set: an option, else its variable, else the default. Throws
 * {@link UsageError}.
 */
export function configure(line: CommandLine, environment: Environment): Config {
  const setting = (name: Setting): SettingText | undefined => {
    const option = line.values.get(name);
    if (option !== undefined) return { from: `--${name}`, text: option, exitCode: EXIT.usage };
    return variable(environment, SETTINGS[name].variable);
  };
  const scripts = setting('script-timeout');
  return {
    logLevel: oneOf(setting('log-level'), LOG_LEVELS) ?? (line.quiet ? 'warn' : 'info'),
    logOutput: oneOf(setting('log-output'), LOG_OUTPUTS) ?? 'raw',
    logDirectory: absolute(setting('log-dir')),
    logFileBytes: bytes(setting('log-file-size')) ?? 10 << 20,
    logFiles: wholeNumber(setting('log-files'), 1, 1000) ?? 5,
    logBufferBytes: bytes(setting('log-buffer')) ?? 256 << 10,
    logBuffersBytes: bytes(setting('log-buffers')) ?? 64 << 20,
    startupDirectory: resolve(
      process.env.MY_INIT_DIRECTORY ?? '/',
      variable(environment, 'ENV_INIT_DIRECTORY')?.text ?? '/etc/my_init.d',
    ),
    serviceDirectory: absolute(setting('service-dir')) ?? '/etc/service',
    servicesFile: absolute(setting('services')) ?? SERVICES_FILE,
    socket: socketPath(setting('socket')),
    socketMode: mode(setting('socket-mode')) ?? 0o660,
    socketGroup: setting('socket-group')?.text,
    httpListen: listenAddress(setting('http-listen')),
    scriptTimeoutMs: limit(scripts) ?? 900_000,
    // As with s6.
    finishTimeoutMs: limit(setting('finish-timeout')) ?? 5_000,
    shutdownTimeoutMs: seconds(setting('shutdown-timeout'), 0.1),
    killProcessTimeoutMs: limit(variable(environment, 'KILL_PROCESS_TIMEOUT')),
    killAllTimeoutMs: limit(variable(environment, 'KILL_ALL_PROCESSES_TIMEOUT')),
  };
}

export function helpText(): string {
  const rows = [
    ...Object.entries(SETTINGS).map(([name, { value, help }]) => [`--${name} ${value}`, help]),
    ...Object.entries(FLAGS).map(([name, help]) => [`${name === 'help' ? '-h, ' : ''}--${name}`, help]),
  ];
  return `Usage: my_init [OPTIONS] [--] [COMMAND [ARGUMENT...]]
       my_init check [--help]: checks service definitions without starting anything

Boots the container: runs the startup scripts, supervises the services and reaps orphans. With a COMMAND,
my_init runs it and ends with its exit code. Options end at the first word that is not one.

${rows.map(([left = '', right = '']) => `  ${left.padEnd(26)}  ${right}`).join('\n')}

Each option with a value can also be set by a variable; the option wins:
${Object.values(SETTINGS)
  .map(({ variable: name }) => `  ${name}`)
  .join('\n')}
KILL_PROCESS_TIMEOUT, KILL_ALL_PROCESSES_TIMEOUT and ENV_INIT_DIRECTORY have the same meaning as in baseimage-docker.
`;
}

function variable(environment: Environment, name: string): SettingText | undefined {
  const value = environment.get(name);
  return value === undefined || value === ''
    ? undefined
    : { from: name, text: toText(value), exitCode: EXIT.configuration };
}

const isFlag = (name: string): name is Flag => Object.hasOwn(FLAGS, name);
const isSetting = (name: string): name is Setting => Object.hasOwn(SETTINGS, name);

function unknownOption(word: string, name: string): UsageError {
  if (isFlag(name)) return new UsageError(`--${name} takes no value (it was given as ${word})`, EXIT.usage);
  const suggestion = nearest(name, [...Object.keys(FLAGS), ...Object.keys(SETTINGS)]);
  const hint = suggestion ? `did you mean --${suggestion}?` : 'see my_init --help';
  return new UsageError(
    `there is no option ${word}; ${hint} (a command that begins with a dash comes after --)`,
    EXIT.usage,
  );
}
