import { ExitCode } from '../exit-code.js';
import { Problem } from '../problem.js';

/** There is no svctl at this path at the other end. */
export class SvctlMissing extends Problem {}

/** How docker, podman, kubectl or ssh ended. */
export interface ToolEnd {
  readonly host: string;
  readonly program: string;
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  /** The tool's standard error. */
  readonly said: string;
}

/**
 * Why a tool ended before svctl at the other end answered. The message alone has to do: of many
 * hosts it is the only line.
 */
export function toolProblem(end: ToolEnd): Problem {
  const { host, program, code, said } = end;
  const words = decisiveLine(said);
  const message = `cannot reach ${host}: ${endWords(end)}`;
  const problem = (exitCode: ExitCode, reason: string, hint = ''): Problem =>
    new Problem(exitCode, `cannot reach ${host}: ${reason}`, hint);
  if (words.startsWith('svctl: ')) return svctlProblem(host, words);
  if (isMissingSvctl(code, said)) {
    return new SvctlMissing(
      ExitCode.unreachable,
      `cannot reach ${host}: there is no svctl, neither in its PATH nor in /usr/lib/my_init`,
      'Is my_init installed there?',
    );
  }
  const refused = missingPermission(program, words);
  if (refused !== undefined) return problem(ExitCode.notPermitted, refused.reason, refused.hint);
  if (/host key verification failed/i.test(said)) {
    return problem(ExitCode.unreachable, 'ssh does not know its host key', 'Log in once by hand and accept the key.');
  }
  return new Problem(ExitCode.unreachable, message);
}

/** `podman ended with 125: no container with name "web"`. */
export function endWords({ program, code, said }: Omit<ToolEnd, 'host'>): string {
  const words = decisiveLine(said).replace(/^(error: |svctl: |error from server \(\w+\): )+/i, '');
  return `${program} ended with ${code ?? 'a signal'}${words === '' ? '' : `: ${words}`}`;
}

/** svctl's own message says more than the message of the tool that ended with it. */
function decisiveLine(said: string): string {
  const lines = said.trim().split('\n');
  return (lines.find((line) => line.startsWith('svctl: ')) ?? lines.at(-1) ?? '').trim();
}

function svctlProblem(host: string, words: string): Problem {
  const own = words.slice('svctl: '.length);
  if (own.startsWith('no command "dial-stdio"')) {
    return new Problem(
      ExitCode.unreachable,
      `cannot reach ${host}: its svctl is too old for -H (it has no dial-stdio)`,
      'Use svctl inside, or install the my_init of this svctl there.',
    );
  }
  const code = /\((EACCES|EPERM)\)/.test(own) ? ExitCode.notPermitted : ExitCode.unreachable;
  return new Problem(code, `${host}: ${own}`);
}

/** Words of docker, podman, kubectl, ssh's shells and the runtimes below them. */
const NOT_FOUND = /svctl.*(not found|no such file|executable file)|(not found|no such file).*svctl/i;

function isMissingSvctl(code: number | undefined, said: string): boolean {
  return NOT_FOUND.test(said) || ((code === 126 || code === 127) && /svctl|^$/.test(said.trim()));
}

function missingPermission(program: string, words: string): { reason: string; hint: string } | undefined {
  const [, verb, resource, group, namespace] =
    /cannot (\S+) resource "([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]+)")?/.exec(words) ?? [];
  if (verb !== undefined) {
    const what = `${resource}${group ? `.${group}` : ''}`;
    const where = namespace === undefined ? 'the cluster' : `the namespace ${namespace}`;
    const user = /User "([^"]+)"/.exec(words)?.[1];
    return {
      reason: `${user === undefined ? 'kubectl' : `the user ${user}`} may not ${verb} ${what} in ${where}`,
      hint: 'docs/remote.md has the role that it takes.',
    };
  }
  if (!/forbidden|permission denied|unauthorized/i.test(words)) return undefined;
  const reason = `${program} is refused: ${words.replace(/^error: /i, '')}`;
  switch (program) {
    case 'docker':
      return { reason, hint: 'It takes root, or membership in the group docker.' };
    case 'ssh':
      return { reason, hint: 'No key of yours is accepted there; svctl asks for no password.' };
    default:
      return { reason, hint: '' };
  }
}
