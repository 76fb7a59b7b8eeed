import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programFault } from '../process/program-check.js';
import { watchdogMsOf } from '../supervisor/checks/watchdog.js';
import type { Definition, Origin, Problem } from '../supervisor/definition/definition.js';
import { nearest } from '../text/nearest-name.js';
import { Accounts } from './accounts.js';
import { leavesForeground } from './daemons.js';
import type { Root } from './root.js';
import { lastCommand } from './run-script.js';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Judges one service by itself: its programs, files and accounts. */
export class Judge {
  readonly #root: Root;
  readonly #accounts: Accounts;

  constructor(root: Root) {
    this.#root = root;
    this.#accounts = new Accounts(root);
  }

  judge(definition: Definition): readonly Problem[] {
    const found = new Findings(definition);
    this.#judgeCommand(definition, found);
    for (const script of ['finish', 'check']) this.#judgeScript(definition, script, found);
    if (definition.directory !== undefined) this.#judgeLogger(definition.directory, found);
    this.#judgeAccounts(definition, found);
    this.#judgeOrders(definition, found);
    judgeWatchdog(definition, found);
    const { workingDirectory } = definition.execution;
    if (workingDirectory !== undefined && !this.#exists(workingDirectory))
      found.warn(
        'working-dir-missing',
        'working_dir',
        `working_dir: ${workingDirectory} does not exist`,
        'create it, or let a oneshot create it',
      );
    for (const { path, required } of definition.environment.files)
      if (required && !this.#exists(path))
        found.error(
          'env-file-missing',
          'env_file',
          `env_file: ${path} does not exist`,
          'create it, or write {path: …, required: false}',
        );
    return found.problems;
  }

  #judgeCommand({ type, command, directory }: Definition, found: Findings): void {
    if (command.kind === 'run') {
      const run = join(directory ?? '/', 'run');
      const fault = programFault(run, this.#root.locate);
      if (fault)
        found.error(
          `run-${fault.id}`,
          'command',
          `${run}: ${fault.message}`,
          fault.remedy || 'add a script run, or command: in service.yaml',
          { file: run, line: fault.id === 'missing' ? 0 : 1, column: 1 },
        );
      else if (type !== 'oneshot') this.#judgeRun(run, found);
      return;
    }
    if (command.kind === 'shell') {
      // The script of a oneshot is the service itself: no program has to take its place.
      if (type !== 'oneshot')
        this.#judgeLast(`#!/bin/sh\n${command.script}`, 'command', found.originOf('command'), found);
      return;
    }
    const [program = ''] = command.argv;
    this.#judgeProgram(program, 'command', found);
    const daemon = leavesForeground(command.argv);
    if (daemon) found.daemon(daemon, 'command', found.originOf('command'));
  }

  /** Programs that run at a stop or a reload: too late to find out then that they are missing. */
  #judgeOrders({ stop, reload }: Definition, found: Findings): void {
    const [stops] = stop.command ?? [];
    if (stops !== undefined) this.#judgeProgram(stops, 'stop_command', found);
    const [reloads] = reload.kind === 'command' ? reload.argv : [];
    if (reloads !== undefined) this.#judgeProgram(reloads, 'reload', found);
  }

  #judgeProgram(program: string, key: string, found: Findings): void {
    if (program.startsWith('/')) {
      const fault = programFault(program, this.#root.locate);
      if (fault)
        found.error(
          `command-${fault.id}`,
          key,
          `${key}: ${program}: ${fault.message}`,
          fault.remedy || 'install it, or correct the path',
        );
    } else if (!program.includes('/') && !program.includes('$')) {
      const isThere = DEFAULT_PATH.split(':').some((directory) => this.#exists(join(directory, program)));
      // The container may set another PATH.
      if (!isThere)
        found.warn(
          'command-not-found',
          key,
          `${key}: ${program} is not in ${DEFAULT_PATH}`,
          'install it, or write its whole path',
        );
    }
  }

  #judgeRun(run: string, found: Findings): void {
    const script = this.#root.read(run);
    if (script !== undefined) this.#judgeLast(script, '', { file: run, line: 0, column: 0 }, found);
  }

  /** Judges the last command of a script: the program that my_init is to supervise. */
  #judgeLast(script: string, key: string, origin: Origin, found: Findings): void {
    const last = lastCommand(script);
    if (last === undefined) return;
    const place = key === '' ? { ...origin, line: last.line, column: 1 } : origin;
    const daemon = leavesForeground(last.words);
    const [program = ''] = last.words;
    if (daemon) found.daemon(daemon, key, place);
    else if (last.inBackground)
      found.warn(
        'in-background',
        key,
        `${program} is started in the background: the script ends, and it is killed with it`,
        'remove the &, and begin the line with exec',
        place,
      );
    else if (!last.isExec && (key === '' || script.split('\n').length > 2))
      found.warn(
        'no-exec',
        key,
        `the shell stays between my_init and ${program}: a stop ends the shell, not ${program}`,
        `begin the line with exec: exec ${last.text}`,
        place,
      );
  }

  #judgeScript({ directory }: Definition, script: string, found: Findings): void {
    if (directory === undefined) return;
    const path = join(directory, script);
    if (!this.#exists(path)) return;
    const fault = programFault(path, this.#root.locate);
    if (fault)
      found.error(`${script}-${fault.id}`, '', `${path}: ${fault.message}`, fault.remedy || 'mend it, or remove it', {
        file: path,
        line: 1,
        column: 1,
      });
  }

  #judgeLogger(directory: string, found: Findings): void {
    const run = join(directory, 'log/run');
    if (!this.#exists(dirname(run))) return;
    const fault = programFault(run, this.#root.locate);
    if (fault)
      found.error(
        `log-run-${fault.id}`,
        '',
        `${run}: ${fault.message}`,
        fault.remedy || 'mend it, or remove the directory log',
        { file: run, line: 0, column: 0 },
      );
  }

  #judgeAccounts({ execution: { user, groupAdd } }: Definition, found: Findings): void {
    if (user !== undefined) {
      const [name = '', group] = user.split(':');
      if (!this.#accounts.hasUser(name)) found.unknownAccount('user', 'user', name, this.#accounts.users, 'passwd');
      if (group !== undefined && !this.#accounts.hasGroup(group))
        found.unknownAccount('user', 'group', group, this.#accounts.groups, 'group');
    }
    for (const group of groupAdd)
      if (!this.#accounts.hasGroup(group))
        found.unknownAccount('group_add', 'group', group, this.#accounts.groups, 'group');
  }

  #exists(path: string): boolean {
    return existsSync(this.#root.locate(path));
  }
}

/** WATCHDOG_USEC asks the service for WATCHDOG=1; only `ready: notify` has a socket for that. */
function judgeWatchdog(definition: Definition, found: Findings): void {
  if (watchdogMsOf(definition) === 0 || definition.ready.kind === 'notify') return;
  found.warn(
    'watchdog-unheard',
    'environment',
    'environment: WATCHDOG_USEC does nothing: no socket is there for WATCHDOG=1',
    'add ready: { notify: true }',
  );
}

/** The findings about one service. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly #definition: Definition;

  constructor(definition: Definition) {
    this.#definition = definition;
  }

  error(id: string, key: string, message: string, remedy: string, origin = this.originOf(key)): void {
    this.#add(id, 'error', key, message, remedy, origin);
  }

  warn(id: string, key: string, message: string, remedy: string, origin = this.originOf(key)): void {
    this.#add(id, 'warning', key, message, remedy, origin);
  }

  daemon(
    { program, remedy }: { readonly program: string; readonly remedy: string },
    key: string,
    origin: Origin,
  ): void {
    this.warn(
      'daemonizes',
      key,
      `${program} goes into the background: my_init would start it again and again`,
      remedy,
      origin,
    );
  }

  unknownAccount(key: string, kind: string, name: string, known: readonly string[], file: string): void {
    const near = nearest(name, known);
    const remedy = near === undefined ? `create the ${kind}` : `create the ${kind}, or did you mean ${near}?`;
    this.error(`unknown-${kind}`, key, `${key}: there is no ${kind} ${name} in /etc/${file}`, remedy);
  }

  /** Where a key is written, or else the service itself. */
  originOf(key: string): Origin {
    const { origins, directory } = this.#definition;
    for (let path = key; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.')))) {
      const origin = origins.get(path);
      if (origin) return origin;
    }
    return origins.get('command') ?? [...origins.values()][0] ?? { file: directory ?? '', line: 0, column: 0 };
  }

  #add(id: string, severity: Problem['severity'], key: string, message: string, remedy: string, origin: Origin): void {
    this.problems.push({ id, severity, service: this.#definition.name, key, origin, message, remedy });
  }
}
