import { join } from 'node:path';
import { monotonicMs } from '../process/clock.js';
import type { Environment } from '../process/environment.js';
import type { SpawnOrder } from '../process/process-host.js';
import type { LaunchFailure } from '../process/start-register.js';
import type { ExitStatus } from '../types/service.js';
import type { ControlEnd } from './control-scripts.js';
import { readEnvironmentFiles, serviceEnvironment } from './definition/environment.js';
import { describeProblem } from './definition/problems.js';
import { isEnabled, problemOfRun } from './definition/read-directory.js';
import { explainLaunch } from './explain-launch.js';
import { explainSpawnError } from './explain-spawn-error.js';
import { type Effect, type EndedRun, finishPidOf, pidOf, type TerminateEffect } from './machine.js';
import type { ServiceCore } from './service-context.js';
import { instanceArguments } from './service-template.js';

/** Carries out what the machine decided for a service. */
export function carryOut(service: ServiceCore, effect: Effect): void {
  switch (effect.type) {
    case 'prepare':
      prepare(service);
      break;
    case 'spawn':
      spawn(service);
      break;
    case 'terminate':
      terminate(service, effect);
      break;
    case 'kill':
      kill(service, effect.group);
      break;
    case 'clear_up':
      void clearUp(service);
      break;
    case 'kill_finish':
      killFinish(service);
      break;
    case 'start_over':
      startOver(service);
      break;
    case 'shutdown':
      service.context.shutdown(effect.code, describeEnd(service));
      break;
    case 'forget':
      service.close();
      service.context.forget(service);
      break;
    default:
      effect satisfies never;
  }
}

/** The end of a release, `sv exit`. */
function startOver(service: ServiceCore): void {
  const { cause } = service.machine;
  service.dispatch(isEnabled(service.directory) ? { type: 'start', cause } : { type: 'stop', why: 'asked', cause });
}

/** Why the container ends with a service that has ended for good. */
const describeEnd = ({ name, machine: { state, trouble } }: ServiceCore): string =>
  `${name} has ${state}${trouble === '' ? '' : `: ${trouble}`}`;

/**
 * Names a process of the current run: a later controller finds by it what was started in the last
 * instant of this one.
 */
export const purposeOf = ({ name, machine }: ServiceCore, what: 'run' | 'finish'): string =>
  `${what} ${name} ${machine.runNumber}`;

/**
 * Claims the service and runs `control/u` and `setup`. Without such scripts the process follows at
 * once.
 */
export function prepare(service: ServiceCore): void {
  const trouble = service.context.claim(service);
  if (trouble !== undefined) service.dispatch({ type: 'spawn_failed', trouble });
  else if (service.scripts.isIdle && !service.scripts.has('u') && !service.scripts.has('setup')) spawn(service);
  else service.scripts.run('u', () => setUp(service));
}

/** The exit code of `setup` for "do not try again", nitro(8). */
const GIVE_UP = 111;

function setUp(service: ServiceCore): void {
  const { scripts } = service;
  if (!scripts.has('setup') && !scripts.begun.includes('setup')) {
    service.dispatch({ type: 'prepared' });
    return;
  }
  scripts.run('setup', ({ handled, code, why }) => {
    if (handled) service.dispatch({ type: 'prepared' });
    else {
      const trouble = `setup ${why ?? (code === undefined ? 'failed' : `exited with code ${code}`)}`;
      service.dispatch({ type: 'spawn_failed', trouble, forGood: code === GIVE_UP });
    }
  });
}

export function spawn(service: ServiceCore): void {
  const problem = service.readForStart();
  if (problem !== undefined) {
    unstartable(service, describeProblem(problem));
    return;
  }
  let order: SpawnOrder;
  try {
    order = orderOf(service);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) unstartable(service, message);
    else service.dispatch({ type: 'spawn_failed', trouble: `its readiness cannot be reported: ${message}` });
    return;
  }
  service.context.host.spawn(order, {
    spawned: (pid) => service.dispatch({ type: 'spawned', pid }),
    failed: (error) => service.dispatch({ type: 'spawn_failed', trouble: explainSpawnError(error) }),
    ended: (status, failure) => service.exited(status, failure && explainFailure(service, failure)),
  });
}

const unstartable = (service: ServiceCore, trouble: string): void =>
  service.dispatch({ type: 'exited', status: { kind: 'exited', code: 111 }, unstartable: trouble });

function orderOf(service: ServiceCore): SpawnOrder {
  const { name, context, definition } = service;
  const files = readEnvironmentFiles(definition);
  context.keep(definition, files);
  const environment = serviceEnvironment(definition, context.environment(), files);
  const { variables, passed } = service.prepareChecks();
  return {
    purpose: purposeOf(service, 'run'),
    ...programOf(service),
    identity: definition.execution,
    environment: variables.size === 0 ? environment : new Map([...environment, ...variables]),
    as: 'session',
    output: context.output(),
    input: context.input(name),
    passed,
    group: definition.policy.memoryMax && context.groups.make(name),
  };
}

function programOf({
  name,
  definition,
  directory,
}: ServiceCore): Pick<SpawnOrder, 'program' | 'args' | 'searchPath' | 'directory'> {
  const { command, execution } = definition;
  // A service that is defined in a file for many has a directory for `supervise` alone.
  const workingDirectory = execution.workingDirectory ?? definition.directory ?? '/';
  switch (command.kind) {
    case 'run': {
      const program = execution.workingDirectory === undefined ? './run' : join(directory, 'run');
      return { program, args: instanceArguments(name, directory), directory: workingDirectory };
    }
    case 'argv': {
      const [program = '', ...args] = command.argv;
      return { program, args, searchPath: true, directory: workingDirectory };
    }
    case 'shell':
      return { program: '/bin/sh', args: ['-c', command.script], directory: workingDirectory };
    default:
      return command satisfies never;
  }
}

function explainFailure({ name, directory, definition }: ServiceCore, failure: LaunchFailure): string {
  const problem = definition.command.kind === 'run' ? problemOfRun(name, directory) : undefined;
  return problem ? describeProblem(problem) : explainLaunch(definition, failure);
}

/**
 * TERM or `control/t`, CONT, and `control/d` or `control/x`: to the present run, and to no later
 * one.
 */
export function terminate(service: ServiceCore, { signal, how, wake, after }: TerminateEffect): void {
  const { host } = service.context;
  const { runNumber } = service.machine;
  const pid = pidOf(service.machine);
  if (pid === 0) return;
  const isThere = (): boolean => service.machine.runNumber === runNumber && pidOf(service.machine) !== 0;
  const goOn = ({ handled }: Pick<ControlEnd, 'handled'>): void => {
    if (!handled && isThere()) {
      void host.signal(pid, signal, false);
      service.dispatch({ type: 'term_sent' });
    }
    if (wake && isThere()) void host.signal(pid, 'SIGCONT', false);
    if (after !== undefined) service.scripts.run(after, () => {});
  };
  // A stopped process would let its `stop_command` wait.
  if (how === 'script' && wake && service.definition.stop.command) void host.signal(pid, 'SIGCONT', false);
  if (how === 'script') service.scripts.run('t', goOn);
  else goOn({ handled: how === 'done' });
}

function kill({ context, machine, scripts }: ServiceCore, group: boolean): void {
  scripts.cutStopCommand();
  const pid = pidOf(machine);
  void context.host.signal(pid, 'SIGKILL', false);
  if (group) void context.host.signal(pid, 'SIGKILL', true);
}

/** The present stage of clearing up. */
export async function clearUp(service: ServiceCore): Promise<void> {
  const { machine, scripts, context } = service;
  if (machine.state !== 'finishing') return;
  const { session, stage } = machine.ended;
  switch (stage.name) {
    case 'sweep':
      while (scripts.running !== undefined) await scripts.running;
      if (session !== 0 && !(await asksLeftovers(service, session))) await context.sweep(session);
      service.readFinish();
      break;
    case 'finish':
      runFinish(service, machine.ended);
      return;
    case 'sweep_finish':
      await context.sweep(stage.session);
      break;
    default:
      stage satisfies never;
  }
  service.dispatch({ type: 'cleared' });
}

/** After a stop leftovers are asked to end. Resolves to whether nothing is left. */
async function asksLeftovers(service: ServiceCore, session: number): Promise<boolean> {
  const isOver = (): boolean => {
    const { machine } = service;
    const stage = machine.state === 'finishing' ? machine.ended.stage : undefined;
    return stage?.name !== 'sweep' || stage.untilMs === undefined || monotonicMs() >= stage.untilMs;
  };
  return isOver() ? false : service.context.terminateSession(session, isOver);
}

function runFinish(service: ServiceCore, ended: EndedRun): void {
  const { name, directory, context, definition } = service;
  const cleared = (): void => service.dispatch({ type: 'cleared' });
  if (definition.finish !== 'usable') {
    if (definition.finish !== 'absent') context.warn(`${name}: finish is left out: ${definition.finish.trouble}`);
    cleared();
    return;
  }
  context.host.spawn(
    {
      purpose: purposeOf(service, 'finish'),
      program: './finish',
      args: [...finishArguments(ended.status), ...instanceArguments(name, directory)],
      directory,
      environment: finishEnvironment(service, ended),
      as: 'session',
      output: context.output(),
    },
    {
      spawned: (pid) => service.dispatch({ type: 'finish_spawned', pid }),
      failed: (error) => {
        context.warn(`${name}: finish could not be started: ${explainSpawnError(error)}`);
        cleared();
      },
      ended: (finish) => service.settle({ type: 'cleared', finish }),
    },
  );
}

/** Variables for `finish`, beyond runit's arguments. */
function finishEnvironment({ context, machine }: ServiceCore, { failed }: EndedRun): Environment {
  const { lastExit, consecutiveFailures } = machine;
  return new Map([
    ...context.environment(),
    ['MY_INIT_EXPECTED', lastExit?.expected ? '1' : '0'],
    ['MY_INIT_RUN_SECONDS', ((lastExit?.durationMs ?? 0) / 1000).toFixed(3)],
    ['MY_INIT_FAILURES', String(consecutiveFailures + (failed ? 1 : 0))],
  ]);
}

/**
 * runit's arguments of `finish`: the exit code, or -1; then the signal, with 128 for a core dump.
 */
function finishArguments(status: ExitStatus): string[] {
  if (status.kind === 'exited') return [String(status.code), '0'];
  if (status.kind === 'lost') return ['-1', '0'];
  return ['-1', String(status.signal + (status.coreDumped ? 128 : 0))];
}

function killFinish({ name, context, machine, scripts }: ServiceCore): void {
  scripts.cutStopCommand();
  const pid = finishPidOf(machine);
  if (pid === 0) return;
  context.warn(`${name}: finish does not end and is killed`);
  void context.host.signal(pid, 'SIGKILL', true);
}
