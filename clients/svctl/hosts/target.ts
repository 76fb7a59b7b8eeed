import { usage } from '../options.js';
import type { Problem } from '../problem.js';

/** Where kubectl looks; its own defaults where undefined. */
export interface KubeScope {
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
}

/** A host on the command line: one my_init, or the pods that Kubernetes finds for it. */
export type Target = Single | Pods;

export type Single =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'engine'; readonly engine: 'docker' | 'podman'; readonly container: string }
  | { readonly kind: 'ssh'; readonly login: string; readonly port?: string; readonly container?: string }
  | { readonly kind: 'pod'; readonly scope: KubeScope; readonly pod: string; readonly container?: string | undefined };

export interface Pods {
  readonly kind: 'pods';
  readonly scope: KubeScope;
  /** `deploy/web`, or the labels to look for. */
  readonly of: { readonly workload: string } | { readonly selector: string };
  readonly container?: string | undefined;
}

const FORMS =
  'Hosts: docker://NAME, podman://NAME, ssh://[USER@]HOST[:PORT][/CONTAINER], k8s://NAMESPACE/POD[/CONTAINER], k8s://NAMESPACE/deploy/NAME, "k8s://NAMESPACE/-l app=web", unix://PATH';

/** Throws {@link Problem} for a text that names no host. */
export function parseTarget(host: string): Target {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.+)$/s.exec(host) ?? [];
  const target = targetOf(scheme, rest);
  if (target === undefined) throw usage(`invalid host "${host}"`, FORMS);
  return target;
}

function targetOf(scheme: string, rest: string): Target | undefined {
  // A leading dash would be taken for an option.
  if (rest === '' || rest.startsWith('-')) return undefined;
  switch (scheme) {
    case 'unix':
      return { kind: 'socket', path: rest };
    case 'docker':
    case 'podman':
      return { kind: 'engine', engine: scheme, container: rest };
    case 'ssh':
      return sshTarget(rest);
    case 'k8s':
      return kubeTarget(rest);
    default:
      return undefined;
  }
}

function sshTarget(rest: string): Target | undefined {
  const { login, port, container } =
    /^(?<login>[^/:]+)(?::(?<port>\d+))?(?:\/(?<container>[A-Za-z0-9][A-Za-z0-9_.-]*))?$/.exec(rest)?.groups ?? {};
  if (login === undefined) return undefined;
  return { kind: 'ssh', login, ...(port && { port }), ...(container && { container }) };
}

/** The names that kubectl has for workloads with pods, in the forms that people type. */
const WORKLOADS =
  /^(deploy(ments?)?|sts|statefulsets?|ds|daemonsets?|rs|replicasets?|jobs?|svc|services?)(\.[a-z0-9.]+)?$/;

/** `TYPE/NAME` of something that has pods. */
export function isWorkload(type: string): boolean {
  return WORKLOADS.test(type);
}

/** [CONTEXT/]NAMESPACE/ and then POD[/CONTAINER], TYPE/NAME[/CONTAINER] or `-l LABELS`. */
function kubeTarget(rest: string): Target | undefined {
  const labels = /^(?:([^/]+)\/)?([^/]+)\/-l[ =]?(.+)$/s.exec(rest);
  if (labels !== null) {
    const [, context, namespace, selector = ''] = labels.map((part) => part && decodeURIComponent(part));
    return { kind: 'pods', scope: { context, namespace }, of: { selector: selector.trim() } };
  }
  const parts = rest.split('/').map(decodeURIComponent);
  const workload = parts.findIndex((part, at) => (at === 1 || at === 2) && isWorkload(part) && parts.length > at + 1);
  if (workload > 0) {
    const [type, name, container, ...more] = parts.slice(workload);
    if (!name || more.length > 0) return undefined;
    return { kind: 'pods', scope: scopeOf(parts.slice(0, workload)), of: { workload: `${type}/${name}` }, container };
  }
  // Three parts are NAMESPACE/POD/CONTAINER; four, of which the last may be empty, begin with the
  // context.
  const at = parts.length === 4 ? 1 : 0;
  const [namespace, pod, container] = parts.slice(at);
  if (!namespace || !pod || parts.length > 4) return undefined;
  return { kind: 'pod', scope: scopeOf(parts.slice(0, at + 1)), pod, container };
}

function scopeOf(parts: readonly string[]): KubeScope {
  return parts.length === 2 ? { context: parts[0], namespace: parts[1] } : { namespace: parts[0] };
}

/** How a target is written on the command line. */
export function nameOf(target: Single): string {
  switch (target.kind) {
    case 'socket':
      return `unix://${target.path}`;
    case 'engine':
      return `${target.engine}://${target.container}`;
    case 'ssh': {
      const { login, port, container } = target;
      return `ssh://${login}${port === undefined ? '' : `:${port}`}${container === undefined ? '' : `/${container}`}`;
    }
    case 'pod': {
      const { scope, pod, container } = target;
      const context = scope.context === undefined ? '' : `${encodeURIComponent(scope.context)}/`;
      // With a context the form has four parts.
      const end = container || context ? `/${container ?? ''}` : '';
      return `k8s://${context}${scope.namespace ?? ''}/${pod}${end}`;
    }
    default:
      return target satisfies never;
  }
}
