import { drawBoot } from '../../svctl/boot/draw.js';
import { at, outcomeOf, waited } from '../../svctl/boot/steps.js';
import { roleName } from '../../svctl/phrases.js';
import { took } from '../../svctl/text/duration.js';
import { ProcessRole } from '../../typescript/src/index.js';
import type { Host } from '../model/host.js';
import type { BootAnswer, GraphAnswer, ProcessesAnswer } from './protocol.js';

/** How a host came up. */
export async function bootAnswer({ client }: Host): Promise<BootAnswer> {
  const boot = await client.boot();
  const { steps, readySeconds, nowSeconds } = boot;
  const path = steps.filter(({ critical }) => critical).map(({ name }) => name);
  const state =
    readySeconds === undefined ? `not ready after ${took(nowSeconds)}` : `ready after ${took(readySeconds)}`;
  return {
    svg: drawBoot(boot),
    words: path.length === 0 ? state : `${state}; critical path: ${path.join(' → ')}`,
    steps: steps.map((step) => ({
      name: step.name,
      waited: waited(step),
      started: at(step.startedSeconds),
      ended: at(step.endedSeconds),
      outcome: outcomeOf(step).name,
      critical: step.critical,
    })),
  };
}

/** The dependencies of the services, by the definitions in force. */
export async function graphAnswer({ client }: Host): Promise<GraphAnswer> {
  const definitions = await client.definitions();
  return {
    edges: definitions.flatMap(({ name, values }) => {
      const written = values.find(({ key }) => key === 'depends_on')?.value ?? '[]';
      return dependencies(JSON.parse(written)).map(([to, condition]) => ({ from: name, to, condition }));
    }),
  };
}

/** A list of names, or a map of names with conditions. */
function dependencies(value: unknown): readonly (readonly [name: string, condition: string])[] {
  if (Array.isArray(value)) return value.map((name) => [String(name), 'ready']);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([name, how]) => {
    const condition: unknown = how?.condition;
    return [name, typeof condition === 'string' ? condition : 'ready'];
  });
}

/** The processes of a host; orphans are the processes that init became the parent of. */
export async function processesAnswer({ client }: Host): Promise<ProcessesAnswer> {
  const [processes, info] = await Promise.all([client.processes(), client.info()]);
  const own = [ProcessRole.PROCESS_ROLE_SERVICE, ProcessRole.PROCESS_ROLE_CONTROLLER, ProcessRole.PROCESS_ROLE_INIT];
  const leaders = new Set(processes.map(({ session }) => session));
  return {
    reaped: String(info.zombiesReapedTotal),
    processes: processes.map((process) => ({
      pid: process.pid,
      parent: process.parentPid,
      name: process.name,
      service: process.service,
      role: roleName(process.role),
      state: process.state,
      orphan: process.parentPid === info.pid && !own.includes(process.role) && !leaders.has(process.pid),
      memory: Number(process.residentBytes),
      cpuSeconds: process.cpuSeconds,
      startedAtMs: process.startedAt?.getTime() ?? 0,
    })),
  };
}
