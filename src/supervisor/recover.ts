import { carryOut, clearUp, prepare, purposeOf, spawn, terminate } from './effects.js';
import type { EndedRun, In } from './machine.js';
import type { ServiceCore } from './service-context.js';
import { isSpared, terminateEffect } from './transitions/termination.js';

/** Goes on with a service where an earlier controller was when it died. */
export function recover(service: ServiceCore): void {
  const { machine, scripts } = service;
  scripts.resume();
  switch (machine.state) {
    case 'down':
      // On record and not yet started.
      if (machine.desired === 'up') service.dispatch({ type: 'start', cause: machine.cause });
      break;
    case 'starting':
    case 'up':
    case 'stopping':
      recoverRun(service, machine);
      break;
    case 'finishing':
      recoverClearing(service, machine.ended);
      break;
    case 'failed':
    case 'completed':
      // The end of the container may not have begun.
      if (machine.shutdownCode !== undefined && machine.hold === undefined)
        carryOut(service, { type: 'shutdown', code: machine.shutdownCode });
      break;
    case 'waiting':
    case 'backoff':
      break;
    default:
      machine satisfies never;
  }
}

function recoverRun(service: ServiceCore, machine: In<'starting' | 'up' | 'stopping'>): void {
  const { host } = service.context;
  const { run, state } = machine;
  if (run.stage === 'process') {
    host.adopt(run.pid, (status, atMs) => service.exited(status, undefined, atMs));
    if (state === 'stopping') recoverStop(service, machine);
    return;
  }
  const pid = host.startedButUnrecorded(purposeOf(service, 'run'));
  if (pid !== 0) {
    host.adopt(pid, (status, atMs) => service.exited(status, undefined, atMs));
    // The moment at which it was started is not on record.
    service.dispatch({ type: 'spawned', pid, atMs: run.startedAtMs });
  } else if (state === 'stopping') callOff(service);
  else if (run.stage === 'spawn') spawn(service);
  else prepare(service);
}

/** There will be no process, as soon as `control/u` or `setup` has ended. */
function callOff(service: ServiceCore): void {
  const calledOff = (): void => service.dispatch({ type: 'prepared' });
  const { scripts } = service;
  const begun = (['u', 'setup'] as const).find((letter) => scripts.begun.includes(letter));
  if (begun !== undefined) scripts.run(begun, calledOff);
  else calledOff();
}

/** The signal was on record and may not have been sent, nor what comes before and after it. */
function recoverStop(service: ServiceCore, machine: In<'starting' | 'up' | 'stopping'>): void {
  if (machine.run.stage !== 'process') return;
  const { pid, termSent, killSent } = machine.run;
  if (isSpared(machine)) return;
  if (killSent) void service.context.host.signal(pid, 'SIGKILL', false);
  else terminate(service, { ...terminateEffect(machine, service), ...(termSent && { how: 'done' }) });
}

function recoverClearing(service: ServiceCore, { stage }: EndedRun): void {
  const { host } = service.context;
  const known = stage.name === 'finish' ? stage.pid : 0;
  const pid = known || (stage.name === 'sweep_finish' ? 0 : host.startedButUnrecorded(purposeOf(service, 'finish')));
  if (pid === 0) {
    void clearUp(service);
    return;
  }
  if (known === 0) service.dispatch({ type: 'finish_spawned', pid });
  host.adopt(pid, (finish) => service.settle({ type: 'cleared', finish }));
}
