import type { KubeScope, Single } from './target.js';

/** Where svctl is when the PATH of the container does not have it. */
const INSTALLED = '/usr/lib/my_init/svctl';

/** The paths of svctl at the other end, in the order in which they are tried. */
export const SVCTL_PATHS = ['svctl', INSTALLED] as const;

export type CommandLine = readonly [program: string, ...args: string[]];

/**
 * The command that runs `svctl dial-stdio` at the other end; undefined where a socket leads there.
 */
export function dialCommand(target: Single, svctl: string): CommandLine | undefined {
  switch (target.kind) {
    case 'socket':
      return undefined;
    case 'engine':
      return [target.engine, 'exec', '-i', target.container, svctl, 'dial-stdio'];
    case 'ssh': {
      const port = target.port === undefined ? [] : ['-p', target.port];
      return ['ssh', ...SSH_OPTIONS, ...port, '--', target.login, sshCommand(svctl, target.container)];
    }
    case 'pod': {
      const to = target.container ? [`--container=${target.container}`] : [];
      return ['kubectl', ...scopeOptions(target.scope), 'exec', '-i', target.pod, ...to, '--', svctl, 'dial-stdio'];
    }
    default:
      return target satisfies never;
  }
}

/** Nobody is asked for a password, and a dead network ends ssh within a minute. */
const SSH_OPTIONS = ['-T', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=15'];

function sshCommand(svctl: string, container: string | undefined): string {
  if (container === undefined) return `exec ${svctl} dial-stdio`;
  const inside = `exec -i ${container} ${svctl} dial-stdio`;
  return `if command -v docker >/dev/null; then exec docker ${inside}; else exec podman ${inside}; fi`;
}

export function scopeOptions({ context, namespace }: KubeScope): string[] {
  return [
    ...(context === undefined ? [] : [`--context=${context}`]),
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
  ];
}
