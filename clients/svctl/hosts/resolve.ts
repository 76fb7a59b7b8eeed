import { execa } from 'execa';
import { ExitCode } from '../exit-code.js';
import { Problem } from '../problem.js';
import { nameOf, type Pods, type Single, type Target } from './target.js';
import { toolProblem } from './tool-error.js';
import { scopeOptions } from './transport.js';

/** The API server answers within seconds, or kubectl says that it does not. */
const KUBECTL_MS = 30_000;

export interface Resolved {
  /** Each my_init once. */
  readonly targets: readonly Single[];
  /** Why some are missing. */
  readonly problems: readonly Problem[];
  /** Pods that are there and do not run. */
  readonly remarks: readonly string[];
}

/** Asks kubectl which pods are meant by `deploy/web` or labels; the rest is one my_init each. */
export async function resolveTargets(targets: readonly Target[]): Promise<Resolved> {
  const found = new Map<string, Single>();
  const problems: Problem[] = [];
  const remarks: string[] = [];
  const parts = await Promise.all(targets.map((target) => (target.kind === 'pods' ? podsOf(target) : [target])));
  for (const part of parts) {
    if (part instanceof Problem) {
      problems.push(part);
      continue;
    }
    for (const target of part) {
      if (typeof target === 'string') remarks.push(target);
      else found.set(nameOf(target), target);
    }
  }
  return { targets: [...found.values()], problems, remarks };
}

interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly phase?: string };
}

/** The running pods; the others as remarks. */
async function podsOf(target: Pods): Promise<readonly (Single | string)[] | Problem> {
  try {
    const selector = 'selector' in target.of ? target.of.selector : await selectorOf(target, target.of.workload);
    const { items } = await kubectl<{ readonly items: readonly Pod[] }>(target, ['get', 'pods', '-l', selector]);
    const running = items.filter(({ status, metadata }) => status?.phase === 'Running' && !metadata.deletionTimestamp);
    if (running.length === 0) {
      throw new Problem(ExitCode.unreachable, `no pod of ${subject(target)} runs (${items.length} found)`);
    }
    const { context } = target.scope;
    return items.map((pod) => {
      const { name, namespace } = pod.metadata;
      if (running.includes(pod)) {
        return { kind: 'pod', scope: { context, namespace }, pod: name, container: target.container } as const;
      }
      const why = pod.metadata.deletionTimestamp ? 'Terminating' : pod.status?.phase;
      return `left out: the pod ${name} is ${why ?? 'Unknown'}`;
    });
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

interface Workload {
  readonly spec?: {
    readonly selector?: Labels & { readonly matchLabels?: Labels; readonly matchExpressions?: Expression[] };
  };
}

type Labels = Readonly<Record<string, string>>;

interface Expression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

/**
 * The labels that a workload finds its pods by, as `kubectl get -l` takes them. A service has them
 * without matchLabels.
 */
async function selectorOf(target: Pods, workload: string): Promise<string> {
  const { spec } = await kubectl<Workload>(target, ['get', workload]);
  const { matchLabels, matchExpressions = [], ...plain } = spec?.selector ?? {};
  const labels = Object.entries(matchLabels ?? (matchExpressions.length > 0 ? {} : (plain as Labels)));
  const terms = [...labels.map(([key, value]) => `${key}=${value}`), ...matchExpressions.map(expressionTerm)];
  if (terms.length === 0) throw new Problem(ExitCode.unreachable, `${subject(target)} selects no pods by labels`);
  return terms.join(',');
}

function expressionTerm({ key, operator, values = [] }: Expression): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return operator satisfies never;
  }
}

async function kubectl<Answer>(target: Pods, args: readonly string[]): Promise<Answer> {
  const command = [...scopeOptions(target.scope), ...args, '-o', 'json'];
  const result = await execa('kubectl', command, { reject: false, timeout: KUBECTL_MS, stdin: 'ignore' });
  const host = subject(target);
  if (result.code === 'ENOENT') {
    throw new Problem(ExitCode.unreachable, `cannot reach ${host}: kubectl is not installed here`);
  }
  if (result.timedOut) {
    throw new Problem(ExitCode.timedOut, `cannot reach ${host}: kubectl gave no answer within ${KUBECTL_MS / 1000} s`);
  }
  if (result.failed) throw toolProblem({ host, program: 'kubectl', code: result.exitCode, said: result.stderr });
  return JSON.parse(result.stdout) as Answer;
}

/** `deploy/web in the namespace shop`. */
function subject({ of, scope: { namespace } }: Pods): string {
  const what = 'workload' in of ? of.workload : `-l ${of.selector}`;
  return namespace === undefined ? what : `${what} in the namespace ${namespace}`;
}
