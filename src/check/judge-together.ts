import type { Definition, Probe, Problem } from '../supervisor/definition/definition.js';
import { LogFiles, logFileTwice } from '../supervisor/definition/own-log-files.js';
import { Graph } from '../supervisor/dependencies.js';
import { SHORT_RUN_MS } from '../supervisor/pacing.js';
import { CUT_SHORT_REMEDY, cutShort, type ShutdownTimes } from '../supervisor/stop-times.js';
import { formatDuration } from '../text/duration.js';
import { nearest } from '../text/nearest-name.js';
import type { ServiceName } from '../types/service.js';
import { Findings } from './judge.js';

/** Judges services by each other: order, conditions, ports, the time that a shutdown has. */
export function judgeTogether(
  judged: readonly Definition[],
  /** The judged services, and those that are only known. */
  all: ReadonlyMap<ServiceName, Definition>,
  shutdown: ShutdownTimes,
): readonly Problem[] {
  const graph = new Graph(all.values());
  const findings = new Map(judged.map((definition) => [definition.name, new Findings(definition)]));
  for (const definition of judged) {
    const found = findings.get(definition.name);
    if (found === undefined) continue;
    judgeDependencies(definition, all, graph, found);
    judgeLimit(definition, found);
  }
  for (const { name, message } of cutShort(all.values(), shutdown))
    findings.get(name)?.warn('grace-over-deadline', 'stop_grace_period', message, CUT_SHORT_REMEDY);
  judgePorts(judged, findings);
  judgeLogFiles(all.values(), findings);
  return [...findings.values()].flatMap((found) => found.problems);
}

function judgeDependencies(
  { name }: Definition,
  all: ReadonlyMap<ServiceName, Definition>,
  graph: Graph,
  found: Findings,
): void {
  const cycle = graph.cycleOf(name);
  if (cycle) {
    const first = cycle.indexOf(name);
    const turned = first < 0 ? cycle : [...cycle.slice(first), ...cycle.slice(0, first)];
    found.error(
      'cycle',
      'depends_on',
      `${[...turned, turned[0]].join(' needs ')}: none of them can start`,
      'remove one of these dependencies',
    );
  }
  for (const { on, condition, required } of graph.dependenciesOf(name)) {
    const key = `depends_on.${on}`;
    const other = all.get(on);
    if (other === undefined) {
      if (!required) continue;
      const near = nearest(on, [...all.keys()]);
      found.error(
        'unknown-service',
        key,
        `${name} depends on ${on}, and there is no such service`,
        near ? `did you mean ${near}?` : `define ${on}, or write required: false`,
      );
      continue;
    }
    if (condition === 'completed' && other.type !== 'oneshot' && other.policy.restart === 'always')
      found.error(
        'condition-never',
        key,
        `${name} waits until ${on} has completed, and ${on} is always started again`,
        `wait for ready, or give ${on} the type oneshot`,
      );
    if (required && !other.enabled && on !== name)
      found.warn(
        'condition-never',
        key,
        `${name} waits for ${on}, and ${on} is not started by itself`,
        `enable ${on}, or write required: false`,
      );
  }
}

/**
 * A limit that the delays between the attempts keep from ever being reached. A first run of a
 * second or more is followed by the next at once.
 */
function judgeLimit({ policy: { startLimit, restartDelay } }: Definition, found: Findings): void {
  if (startLimit === undefined) return;
  let total = 0;
  let delay = restartDelay.initialMs;
  for (let attempt = 1; attempt < startLimit.attempts && total <= startLimit.withinMs; attempt++) {
    const shortestMs = Math.min(delay, restartDelay.maxMs) * (1 - restartDelay.jitter);
    total += attempt === 1 ? Math.min(shortestMs, SHORT_RUN_MS) : shortestMs;
    delay = Math.min(delay * restartDelay.factor, restartDelay.maxMs);
  }
  if (total > startLimit.withinMs)
    found.error(
      'limit-unreachable',
      'start_limit',
      `${startLimit.attempts} attempts take at least ${formatDuration(total)} with this restart_delay, and the limit counts those within ${formatDuration(startLimit.withinMs)}`,
      'lengthen within, or shorten restart_delay',
    );
}

/** As my_init reads them: a directory comes before the files for many services. */
function judgeLogFiles(all: Iterable<Definition>, findings: ReadonlyMap<ServiceName, Findings>): void {
  const files = new LogFiles();
  for (const definition of [...all].sort((a, b) => Number(isInFile(a)) - Number(isInFile(b)))) {
    const other = files.otherWith(definition);
    if (other) findings.get(definition.name)?.problems.push(logFileTwice(definition, other));
    else files.keep(definition, definition.log?.file);
  }
}

const isInFile = ({ directory }: Definition): boolean => directory === undefined;

function judgePorts(judged: readonly Definition[], findings: ReadonlyMap<ServiceName, Findings>): void {
  const users = new Map<number, ServiceName>();
  for (const definition of judged) {
    for (const [port, key] of portsOf(definition)) {
      const other = users.get(port);
      if (other === undefined) users.set(port, definition.name);
      else if (other !== definition.name)
        findings
          .get(definition.name)
          ?.warn(
            'port-twice',
            key,
            `${definition.name} and ${other} both use port ${port}`,
            'give one of them another port',
          );
    }
  }
}

/**
 * The ports that a service seems to listen on: where it is looked at, and what its variable and its
 * options say.
 */
function portsOf({ ready, policy, environment, command }: Definition): ReadonlyMap<number, string> {
  const ports = new Map<number, string>();
  const add = (port: number, key: string): void => {
    if (port > 0 && port < 65_536 && !ports.has(port)) ports.set(port, key);
  };
  if (ready.kind === 'probe') add(portOf(ready.probe), 'ready');
  if (policy.live) add(portOf(policy.live.probe), 'live');
  add(Number(environment.variables.get('PORT')), 'environment.PORT');
  if (command.kind === 'argv') {
    const [, option] = / --?port[= ](\d+)(?: |$)/.exec(` ${command.argv.join(' ')}`) ?? [];
    add(Number(option), 'command');
  }
  return ports;
}

const HERE = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0']);

function portOf(probe: Probe): number {
  if (probe.kind === 'tcp') return HERE.has(probe.host) ? probe.port : 0;
  if (probe.kind === 'http' && probe.unix === undefined) {
    const { hostname, port } = new URL(probe.url);
    return HERE.has(hostname.replace(/^\[|\]$/g, '')) ? Number(port || 80) : 0;
  }
  if (probe.kind === 'grpc') return portOf({ kind: 'tcp', ...split(probe.address) });
  return 0;
}

const split = (address: string): { host: string; port: number } => {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
};
