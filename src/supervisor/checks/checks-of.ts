import { NOT_ALIVE_CODE } from '../policy.js';
import type { ServiceCore } from '../service-context.js';
import { runCheck } from './run-check.js';
import { type CheckRules, ServiceChecks } from './service-checks.js';
import { StatusText } from './status-text.js';
import { watchdogMsOf } from './watchdog.js';

/** The checks of a service, whose results are events of its machine. */
export function checksOf(service: ServiceCore, rules: CheckRules): ServiceChecks {
  const { name, context } = service;
  const statusText = new StatusText((text, run) => {
    if (service.machine.runNumber === run) service.dispatch({ type: 'status_text', text });
  });
  return new ServiceChecks(
    name,
    { ...rules, watchdogMs: watchdogMsOf(service.definition) },
    {
      ...context.checks,
      run: (argv, signal) => runCheck(service, argv, signal),
      warn: (text) => context.warn(text),
    },
    {
      ready: () => service.dispatch({ type: 'ready' }),
      unready: (trouble) => service.dispatch({ type: 'unready', trouble }),
      dead: (problem) => dead(service, problem),
      notice: (notice) => {
        if (notice.kind === 'stopping') service.dispatch({ type: 'unready', trouble: 'says that it is stopping' });
        else if (notice.kind === 'main_pid') service.dispatch({ type: 'main_pid', pid: notice.pid });
        else if (notice.kind === 'status') statusText.say(notice.text, service.machine.runNumber);
        else if (notice.kind === 'reloading') service.dispatch({ type: 'reloading' });
        else if (notice.kind === 'extend_timeout') service.dispatch({ type: 'extended', ms: notice.ms });
      },
    },
  );
}

/** The service is restarted, unless its definition says otherwise. */
function dead(service: ServiceCore, problem: string): void {
  const { context, name, definition } = service;
  context.warn(`${name}: is not alive: ${problem}`);
  const action = definition.policy.live?.onFailure ?? 'restart';
  switch (action) {
    case 'restart':
      service.dispatch({ type: 'restart', cause: { kind: 'check', message: problem } });
      break;
    case 'shutdown':
      // On record with the shutdown; before that, the next controller finds out by itself.
      context.shutdown(NOT_ALIVE_CODE, `${name} is not alive: ${problem}`);
      break;
    case 'none':
      break;
    default:
      action satisfies never;
  }
}
