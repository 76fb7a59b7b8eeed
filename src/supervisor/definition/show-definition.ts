import { formatDuration } from '../../text/duration.js';
import { formatSize } from '../../text/size.js';
import type { Definition, ExitMatch, Policy, Probe, ProbeTimes, Readiness } from './definition.js';
import type { Json } from './node.js';

/**
 * A definition in the words of service.yaml: reading them again comes to the same. Keys that say
 * nothing are left out.
 */
export function showDefinition(definition: Definition): ReadonlyMap<string, Json> {
  const { command, stop, reload, environment, execution, log, policy } = definition;
  const values: readonly (readonly [string, Json | undefined])[] = [
    ['command', command.kind === 'run' ? undefined : command.kind === 'argv' ? command.argv : command.script],
    ['type', definition.type],
    ['description', definition.description || undefined],
    ['tags', definition.tags],
    ['enabled', definition.enabled],
    ['depends_on', Object.fromEntries(definition.dependsOn.map(({ on, ...rest }) => [on, rest]))],
    ['ready', definition.type === 'oneshot' ? undefined : readyOf(definition.ready)],
    ['start_timeout', durationOf(definition.startTimeoutMs)],
    [
      'live',
      policy.live && {
        ...probeOf(policy.live.probe),
        ...timesOf(policy.live.times),
        on_failure: policy.live.onFailure,
      },
    ],
    ...policyValues(policy),
    [
      'stop_signal',
      stop.signals.map(({ signal, waitMs }) => ({ signal: nameOf(signal), ...optional('wait', waitMs) })),
    ],
    ['stop_grace_period', durationOf(stop.graceMs)],
    ['stop_command', stop.command],
    ['reload', reload.kind === 'signal' ? nameOf(reload.signal) : reload.argv],
    [
      'environment',
      Object.fromEntries(
        [...environment.variables].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    ],
    ['env_file', environment.files.map(({ path, required }) => ({ path, required }))],
    ['pass_env', environment.pass],
    ['user', execution.user],
    ['group_add', execution.groupAdd],
    ['working_dir', execution.workingDirectory],
    ['umask', execution.umask?.toString(8).padStart(3, '0')],
    ['nice', execution.nice],
    ['oom_score_adj', execution.oomScoreAdj],
    [
      'ulimits',
      Object.fromEntries(
        [...execution.ulimits].map(([name, { soft, hard }]) => [name, { soft: limitOf(soft), hard: limitOf(hard) }]),
      ),
    ],
    ['replicas', definition.replicas],
    [
      'log',
      log && {
        ...optional('output', log.output),
        ...(log.bufferBytes === undefined ? {} : { buffer: formatSize(log.bufferBytes) }),
        ...optional('file', log.file),
      },
    ],
  ];
  return new Map(values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

/** Keys whose values differ. Where they are written does not matter. */
export function changedKeys(before: Definition, after: Definition): readonly string[] {
  const [old, now] = [showDefinition(before), showDefinition(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter(
    // Another number of replicas adds or removes some, and changes none.
    (key) => key !== 'replicas' && JSON.stringify(old.get(key)) !== JSON.stringify(now.get(key)),
  );
}

function policyValues(policy: Policy): readonly (readonly [string, Json | undefined])[] {
  const { restartDelay: delay, startLimit: limit, memoryMax } = policy;
  return [
    ['restart', policy.restart],
    ['success_exit_codes', policy.successExitCodes.map(matchOf)],
    [
      'exit_rules',
      policy.exitRules.map(({ match, oom, action, code }) => ({
        codes: match.flatMap((each) => (each.kind === 'code' ? [each.code] : [])),
        signals: match.flatMap((each) => (each.kind === 'signal' ? [nameOf(each.signal)] : [])),
        oom,
        action: code === undefined ? action : { shutdown: code },
      })),
    ],
    [
      'restart_delay',
      {
        initial: formatDuration(delay.initialMs),
        factor: delay.factor,
        max: formatDuration(delay.maxMs),
        jitter: delay.jitter,
        reset_after: formatDuration(delay.resetAfterMs),
      },
    ],
    // biome-ignore lint/suspicious/noThenProperty: the name of the key in the format; nobody awaits it.
    ['start_limit', limit && { attempts: limit.attempts, within: formatDuration(limit.withinMs), then: limit.then }],
    ['essential', policy.essential],
    ['optional', policy.optional],
    [
      'memory_max',
      memoryMax && {
        size: formatSize(memoryMax.bytes),
        for: formatDuration(memoryMax.forMs),
        action: memoryMax.action === 'restart' ? memoryMax.action : nameOf(memoryMax.action),
      },
    ],
  ];
}

function readyOf(ready: Readiness): Json {
  switch (ready.kind) {
    case 'delay':
      return { delay: formatDuration(ready.delayMs) };
    case 'notify':
      return { notify: true };
    case 'notify_fd':
      return { notify_fd: ready.fd };
    case 'log':
      return { log: ready.pattern };
    case 'probe':
      return { ...probeOf(ready.probe), ...timesOf(ready.times) };
    default:
      return ready satisfies never;
  }
}

function probeOf(probe: Probe): { readonly [key: string]: Json } {
  switch (probe.kind) {
    case 'http': {
      const { url, unix, headers, status } = probe;
      return { http: { url, ...optional('unix', unix), headers, status: status.map(([from, to]) => `${from}-${to}`) } };
    }
    case 'tcp':
      return { tcp: `${probe.host.includes(':') ? `[${probe.host}]` : probe.host}:${probe.port}` };
    case 'unix':
      return { unix: probe.path };
    case 'grpc':
      return { grpc: { address: probe.address, service: probe.service } };
    case 'exec':
      return { exec: probe.argv };
    case 'file':
      return { file: probe.path };
    default:
      return probe satisfies never;
  }
}

const timesOf = ({ intervalMs, timeoutMs, failures, successes }: ProbeTimes): { readonly [key: string]: Json } => ({
  interval: formatDuration(intervalMs),
  timeout: formatDuration(timeoutMs),
  failures,
  successes,
});

const matchOf = (match: ExitMatch): Json => (match.kind === 'code' ? match.code : nameOf(match.signal));
const nameOf = (signal: NodeJS.Signals): string => signal.slice(3);
const limitOf = (value: number): Json => (Number.isFinite(value) ? value : 'unlimited');
const durationOf = (ms: number): string | undefined => (Number.isFinite(ms) ? formatDuration(ms) : undefined);
const optional = (key: string, value: Json | undefined): { readonly [key: string]: Json } =>
  value === undefined ? {} : { [key]: typeof value === 'number' ? formatDuration(value) : value };
