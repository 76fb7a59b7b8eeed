import type { LogRule } from '../../types/logs.js';
import type { Command, Definition, Origin, Policy } from './definition.js';
import type { SERVICE } from './keys.js';
import type { Values } from './record-shape.js';
import { splitCommand } from './split-command.js';

/** The values that a document gives for a service; keys that it leaves out are absent. */
export type Given = Partial<Values<(typeof SERVICE)['keys']>>;

/** A definition with the values of a document in place of its own. */
export function withValues(base: Definition, given: Given, origins: ReadonlyMap<string, Origin>): Definition {
  const type = given.type ?? base.type;
  return {
    ...base,
    type,
    replicas: given.replicas ?? base.replicas,
    command: given.command === undefined ? base.command : commandOf(given.command),
    description: given.description ?? base.description,
    tags: given.tags ?? base.tags,
    enabled: given.enabled ?? base.enabled,
    dependsOn: given.depends_on ?? base.dependsOn,
    ready: given.ready ?? base.ready,
    startTimeoutMs: given.start_timeout ?? base.startTimeoutMs,
    stop: {
      signals: given.stop_signal ?? base.stop.signals,
      graceMs: given.stop_grace_period ?? base.stop.graceMs,
      command: given.stop_command ?? base.stop.command,
    },
    reload: given.reload ?? base.reload,
    environment: {
      variables: given.environment ?? base.environment.variables,
      files: given.env_file ?? base.environment.files,
      pass: given.pass_env ?? base.environment.pass,
    },
    execution: {
      user: given.user ?? base.execution.user,
      groupAdd: given.group_add ?? base.execution.groupAdd,
      workingDirectory: given.working_dir ?? base.execution.workingDirectory,
      umask: given.umask ?? base.execution.umask,
      nice: given.nice ?? base.execution.nice,
      oomScoreAdj: given.oom_score_adj ?? base.execution.oomScoreAdj,
      ulimits: given.ulimits ?? base.execution.ulimits,
    },
    log: given.log === undefined ? base.log : logOf(given.log),
    policy: policyOf(base.policy, given, type),
    origins: new Map([...base.origins, ...origins]),
  };
}

function policyOf(base: Policy, given: Given, type: Definition['type']): Policy {
  return {
    restart: given.restart ?? (type === 'oneshot' ? 'no' : base.restart),
    successExitCodes: given.success_exit_codes ?? base.successExitCodes,
    exitRules: given.exit_rules ?? base.exitRules,
    restartDelay: given.restart_delay ?? base.restartDelay,
    startLimit: given.start_limit ?? base.startLimit,
    essential: given.essential ?? base.essential,
    optional: given.optional ?? base.optional,
    live: given.live ?? base.live,
    memoryMax: given.memory_max ?? base.memoryMax,
  };
}

const logOf = ({ output, buffer, file }: NonNullable<Given['log']>): LogRule => ({ output, bufferBytes: buffer, file });

function commandOf(command: string | readonly string[]): Command {
  if (typeof command !== 'string') return { kind: 'argv', argv: command };
  const argv = splitCommand(command);
  return argv ? { kind: 'argv', argv } : { kind: 'shell', script: command };
}
