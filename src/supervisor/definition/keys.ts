/**
 * The keys of a service: the one source of the parser, the JSON schema, docs/service-reference.md
 * and `svctl config`.
 *
 * A key with `later` is refused as "not in this version": remove the flag in the commit in which
 * the key works.
 */

import { isServiceName } from '../service-directory.js';
import type { Condition, Dependency, Reload, StopRule } from './definition.js';
import type { Node } from './node.js';
import { exitMatch, exitRules, memoryMax, restartDelay, startLimit } from './policy-keys.js';
import { LIVE_KEYS, live, READY_KEYS, ready } from './probe-keys.js';
import { envFile, environment, group, ulimits, umask, user } from './process-keys.js';
import { key, record } from './record-shape.js';
import { MAX_REPLICAS } from './replicas.js';
import { choice, duration, either, flag, list, mapped, number, type Shape, size, table, text } from './shapes.js';
import { absolutePath, argv, SERVICE_NAME, serviceName, signal } from './values.js';

const dependency = record(
  {
    condition: key(
      choice(['started', 'ready', 'completed']),
      'The dependency counts once its process exists, once it is ready (a oneshot: has ended successfully), or once it has ended, whatever the code.',
      { default: 'ready' },
    ),
    required: key(flag(), 'false: my_init waits for the dependency only if it exists and is enabled.', {
      default: true,
    }),
    restart: key(flag(), 'true: the service is restarted when the dependency has restarted and is ready again.', {
      default: false,
    }),
  },
  'a dependency',
);

const inShort = (on: Dependency['on']): Dependency => ({
  on,
  condition: 'ready' satisfies Condition,
  required: true,
  restart: false,
});

const dependsOn: Shape<readonly Dependency[]> = either(
  mapped(list(serviceName, { words: 'a list of services' }), (names) => [...new Set(names)].map(inShort)),
  mapped(table(dependency, SERVICE_NAME), (entries) =>
    [...entries].flatMap(([on, rest]) => (isServiceName(on) ? [{ on, ...rest }] : [])),
  ),
);

/* How it is stopped */

const stopSignal: Shape<StopRule['signals']> = either(
  mapped(signal, (name) => [{ signal: name, waitMs: undefined }]),
  mapped(
    list(
      record(
        {
          signal: key(signal, 'The signal.', { required: true }),
          wait: key(duration(), 'Time until the next signal of the list.', {}),
        },
        'a stop signal',
      ),
      { least: 1, words: 'a list of {signal, wait}' },
    ),
    (signals) => signals.map(({ signal: name, wait }) => ({ signal: name, waitMs: wait })),
  ),
);

const reload: Shape<Reload> = either(
  mapped(signal, (name): Reload => ({ kind: 'signal', signal: name })),
  mapped(argv, (words): Reload => ({ kind: 'command', argv: words })),
);

const log = record(
  {
    output: key(
      choice(['raw', 'prefix', 'json', 'none']),
      'How the lines of the service look in the output of the container.',
      {
        otherwise: 'as `--log-output`',
      },
    ),
    buffer: key(size(), 'The memory for the log, 132k at least, within `--log-buffers` for all logs.', {
      otherwise: 'as `--log-buffer`',
    }),
    file: key(
      absolutePath,
      'The file that keeps the log; when it is full, FILE.1, FILE.2 … A second service with the same file fails.',
      { otherwise: 'as `--log-dir`' },
    ),
  },
  'log',
);

const TAG = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** In the order of the reference page. */
export const SERVICE = record(
  {
    command: key(
      either(text({ words: 'a command line' }), argv),
      'The program, instead of `run`. A list is executed as it is. A text without shell syntax is split and executed directly; with shell syntax it is run by `/bin/sh -c`.',
      { own: true, otherwise: '`run` in the service directory', example: '[redis-server, --port, "6379"]' },
    ),
    type: key(choice(['longrun', 'oneshot'], ['schedule']), 'A oneshot is done when it has ended successfully.', {
      own: true,
      default: 'longrun',
    }),
    description: key(text(), 'Shown to people.', { own: true, otherwise: 'none' }),
    tags: key(
      list(text({ words: 'a tag like workers', pattern: TAG }), { words: 'a list of tags' }),
      'Names for several services together: `svctl restart @workers`.',
      { default: [], example: '[workers]' },
    ),
    enabled: key(flag(), 'false: not started by itself, as with a file `down`.', { default: true }),
    depends_on: key(
      dependsOn,
      'The services that the service waits for: a list of names, or a map of names with `condition`, `required` and `restart`.',
      { own: true, default: [], example: '[db]' },
    ),
    ready: key(
      ready,
      'What makes the service ready: exactly one of the kinds below. A oneshot has no such key: a oneshot is ready when it has ended successfully.',
      {
        otherwise: 'the script `check` of the service directory, or `{delay: 250ms}`',
        example: '{ tcp: "localhost:6379" }',
      },
    ),
    start_timeout: key(
      duration(1),
      'A service that is not ready in this time (a oneshot: that has not ended) is stopped, and its start counts as failed.',
      { otherwise: 'none', example: '30s' },
    ),
    live: key(live, 'A check that is repeated once the service is ready: exactly one of the kinds below.', {
      otherwise: 'none',
      example: '{ http: "http://localhost:8080/health" }',
    }),
    restart: key(choice(['always', 'on-failure', 'no']), 'Whether the service is started again when it has ended.', {
      otherwise: '`always`; `no` for a oneshot',
    }),
    success_exit_codes: key(
      list(exitMatch, { least: 1, words: 'a list of exit codes and signals' }),
      'Exit codes and signals that are no failure.',
      { default: [0] },
    ),
    exit_rules: key(exitRules, 'What follows an end: the first rule that matches.', { default: [] }),
    restart_delay: key(restartDelay, 'How long my_init waits before it restarts a service that ended too soon.', {
      default: {},
    }),
    start_limit: key(startLimit, 'The number of failed starts after which the service is not started again.', {
      otherwise: 'none',
    }),
    essential: key(
      flag(),
      'true: when the service has ended for good, the container shuts down with the exit code of the service.',
      {
        default: false,
      },
    ),
    optional: key(flag(), 'true: the readiness of the container does not wait for the service.', {
      default: false,
    }),
    stop_signal: key(
      stopSignal,
      'The signal that stops the service, or a list of `{signal, wait}`. KILL comes last in any case.',
      { default: 'TERM' },
    ),
    stop_grace_period: key(
      duration(),
      'From the first signal to KILL; never more than the deadline of the shutdown leaves.',
      { otherwise: 'as the options of my_init say' },
    ),
    stop_command: key(
      argv,
      'A command that runs instead of the first signal, within the grace period. If the command fails, the signal is sent.',
      {
        otherwise: 'none',
        example: '[nginx, -s, quit]',
      },
    ),
    reload: key(reload, 'What `svctl reload` does: a signal, or a command as a list.', {
      default: 'HUP',
      example: '[nginx, -s, reload]',
    }),
    environment: key(environment, 'Variables over those of the container: a map, or a list of NAME=VALUE.', {
      otherwise: 'none',
      example: '{ PORT: 8080 }',
    }),
    env_file: key(envFile, 'Files with lines NAME=VALUE, read again at each start. `environment` wins over them.', {
      default: [],
      example: '/etc/app.env',
    }),
    pass_env: key(
      list(text({ words: 'a name or a pattern like APP_*' }), { words: 'a list of names and patterns' }),
      'The variables of the container that the service gets.',
      { otherwise: 'all', example: '[PATH, "APP_*"]' },
    ),
    user: key(
      user,
      'NAME, UID or USER:GROUP. Without a group: all groups of the user. Sets HOME, USER, LOGNAME and SHELL.',
      { otherwise: 'as my_init', example: 'www-data' },
    ),
    group_add: key(list(group, { words: 'a list of groups' }), 'Further groups.', { default: [] }),
    working_dir: key(absolutePath, 'The working directory.', { otherwise: 'the service directory; `/` without one' }),
    umask: key(umask, 'The mask of new files, in octal.', { otherwise: 'as my_init', example: '"027"' }),
    nice: key(number(-20, 19), 'Priority of the processor; lower is more.', { otherwise: 'as my_init' }),
    oom_score_adj: key(number(-1000, 1000), 'Preference of the kernel when memory is short; lower is kept longer.', {
      otherwise: 'as my_init',
    }),
    ulimits: key(ulimits, 'Limits as in `ulimit`: a number, `unlimited`, or `{soft, hard}`.', {
      otherwise: 'as my_init',
      example: '{ nofile: 65536 }',
    }),
    memory_max: key(
      memoryMax,
      'The memory of all processes of the service. A service that uses more is restarted before the kernel kills one of the processes.',
      { otherwise: 'none', example: '512m' },
    ),
    replicas: key(
      number(1, MAX_REPLICAS),
      'The number of replicas: `NAME@1`, `NAME@2` …, each with its number in `MY_INIT_REPLICA`. For services in a file for many.',
      { own: true, otherwise: 'one, called NAME' },
    ),
    schedule: key(text(), 'When it runs.', { later: true, own: true, otherwise: 'none' }),
    log: key(
      log,
      'The log of the service, instead of the settings of the container. A new `output` holds at once; `buffer` and `file` are those of the first start since the boot.',
      { otherwise: 'as the options of my_init say', example: '{ output: json, buffer: 4m }' },
    ),
  },
  'a service',
);

/** Maps inside a service, by the key that they are the value of, for the reference page. */
export const INNER_KEYS = { ready: READY_KEYS, live: LIVE_KEYS, log: log.keys };

/** A value that is read later. */
const unread = (words: string): Shape<Node> => ({
  words,
  schema: {},
  kinds: ['map'],
  read: (node, path, reading) =>
    node.kind === 'map' || (node.kind === 'scalar' && node.value === null) ? node : reading.mistyped(path, node, words),
});

/** A file for many services. schema.ts puts its schema together. */
export const FILE = record(
  {
    services: key(unread('a map of services'), 'The services, by name.', {}),
    defaults: key(
      unread('a map with keys of a service'),
      'Keys that hold for each service of the files that does not have them itself.',
      {},
    ),
  },
  'a file of services',
);

const shared = Object.entries(SERVICE.keys).filter(([, rule]) => !('own' in rule));

/** The keys of `defaults`: all keys but those that belong to one service alone. */
export const DEFAULTS = record(
  Object.fromEntries(shared) as Omit<
    (typeof SERVICE)['keys'],
    'command' | 'type' | 'description' | 'depends_on' | 'replicas' | 'schedule'
  >,
  'defaults',
);
