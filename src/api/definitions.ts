import {
  ApplyAction as ActionMessage,
  type AppliedChange,
  type DefinitionsServer,
  type ServiceDefinition,
} from '../../gen/my_init/v1/definitions.js';
import type { ApplyAction, DefinitionControl, PlannedChange, ShownDefinition } from '../types/definitions.js';
import { type Access, requireFullAccess } from './access.js';
import type { Calls } from './call.js';
import { badArgument } from './errors.js';
import { requestIdOf } from './from-proto.js';

const ACTIONS: Readonly<Record<ApplyAction, ActionMessage>> = {
  nothing: ActionMessage.APPLY_ACTION_NOTHING,
  take: ActionMessage.APPLY_ACTION_TAKE,
  restart: ActionMessage.APPLY_ACTION_RESTART,
  start: ActionMessage.APPLY_ACTION_START,
  stop: ActionMessage.APPLY_ACTION_STOP,
};

/**
 * `my_init.v1.Definitions`: translation between the messages and {@link DefinitionControl}, and
 * nothing else.
 */
export function definitionsServer(control: DefinitionControl, calls: Calls, access: Access): DefinitionsServer {
  return {
    get: calls.unary(({ names }) => ({
      definitions: control.show(names).map((shown) => definitionMessage(shown, access)),
    })),

    apply: calls.unary(async (request, { actor }) => {
      const { names, dryRun } = request;
      if (dryRun) return { changes: (await control.plan(names)).map(changeMessage) };
      requireFullAccess(access, actor);
      return { changes: (await control.apply(names, { actor, requestId: requestIdOf(request) })).map(changeMessage) };
    }),

    explain: calls.unary(({ name }) => {
      if (name === '') throw badArgument('name', 'must be the name of a service');
      return {
        steps: control.explain(name).map((step) => ({ ...step, facts: [...step.facts], remedies: [...step.remedies] })),
      };
    }),
  };
}

/** Variables may hold passwords: a client with read access sees only their names. */
function definitionMessage({ name, values, problem, changed }: ShownDefinition, access: Access): ServiceDefinition {
  return {
    name,
    problem,
    changed,
    values: values.map(({ key, value, origin }) => ({
      key,
      value: key === 'environment' && access !== 'full' ? JSON.stringify(Object.keys(JSON.parse(value))) : value,
      file: origin?.file ?? '',
      line: origin?.line ?? 0,
      column: origin?.column ?? 0,
    })),
  };
}

const changeMessage = ({ name, action, keys, problem }: PlannedChange): AppliedChange => ({
  name,
  action: ACTIONS[action],
  keys: [...keys],
  problem,
});
