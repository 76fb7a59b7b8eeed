import { Duplex } from 'node:stream';
import { type Address, MyInitError, openSocket } from '../typescript/src/index.js';
import { GREETING } from './commands/dial-stdio.js';
import { ExitCode } from './exit-code.js';
import { usage } from './options.js';
import { Problem } from './problem.js';

/** The first word of svctl inside may wait for a slow link and a slow start of Node. */
const HANDSHAKE_MS = 20_000;
/** A shell's banner may come first; more than this is no svctl. */
const MAX_NOISE_BYTES = 64 * 1024;

/** Where svctl is when the PATH of the container does not have it. */
const INSTALLED = '/usr/lib/my_init/svctl';

interface Transport {
  /** The command that runs `svctl dial-stdio` at the other end; `svctl` is its path there. */
  readonly command: (svctl: string) => readonly [string, ...string[]];
}

/**
 * The my_init of another container or host: `docker://NAME`, `podman://NAME`, `ssh://[USER@]HOST[:PORT][/CONTAINER]`,
 * `k8s://NAMESPACE/POD[/CONTAINER]`, `k8s://CONTEXT/NAMESPACE/POD/[CONTAINER]`, `unix://PATH`. Throws {@link Problem}.
 */
export function hostAddress(host: string): Address {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.+)$/.exec(host) ?? [];
  if (scheme === 'unix') return { name: rest, open: (signal) => openSocket(rest, signal) };
  const transport = transportOf(scheme, rest);
  if (transport === undefined) {
    throw usage(
      `invalid host "${host}"`,
      'Hosts: docker://NAME, podman://NAME, ssh://[USER@]HOST[:PORT][/CONTAINER], k8s://NAMESPACE/POD[/CONTAINER], unix://PATH',
    );
  }
  return { name: host, open: () => dial(host, transport) };
}

function transportOf(scheme: string, rest: string): Transport | undefined {
  // A leading dash would be taken for an option.
  if (rest.startsWith('-')) return undefined;
  switch (scheme) {
    case 'docker':
    case 'podman':
      return { command: (svctl) => [scheme, 'exec', '-i', rest, svctl, 'dial-stdio'] };
    case 'ssh':
      return sshTransport(rest);
    case 'k8s':
      return kubectlTransport(rest.split('/').map(decodeURIComponent));
    default:
      return undefined;
  }
}

function sshTransport(rest: string): Transport | undefined {
  const [, target = '', port, container] = /^([^/:]+)(?::(\d+))?(?:\/([A-Za-z0-9][A-Za-z0-9_.-]*))?$/.exec(rest) ?? [];
  if (target === '') return undefined;
  const options = ['-T', '-o', 'BatchMode=yes', ...(port === undefined ? [] : ['-p', port])];
  const inside = (svctl: string): string =>
    container === undefined
      ? `exec ${svctl} dial-stdio`
      : `if command -v docker >/dev/null; then exec docker exec -i ${container} ${svctl} dial-stdio; else exec podman exec -i ${container} ${svctl} dial-stdio; fi`;
  return { command: (svctl) => ['ssh', ...options, '--', target, inside(svctl)] };
}

/** Three parts are NAMESPACE/POD/CONTAINER; four, of which the last may be empty, begin with the context. */
function kubectlTransport(parts: readonly string[]): Transport | undefined {
  const [namespace, pod, container] = parts.length === 4 ? parts.slice(1) : parts;
  if (!namespace || !pod || parts.length > 4) return undefined;
  const context = parts.length === 4 ? [`--context=${parts[0]}`] : [];
  const to = container ? [`--container=${container}`] : [];
  return {
    command: (svctl) => [
      'kubectl',
      ...context,
      `--namespace=${namespace}`,
      'exec',
      '-i',
      pod,
      ...to,
      '--',
      svctl,
      'dial-stdio',
    ],
  };
}

async function dial(host: string, { command }: Transport): Promise<Duplex> {
  try {
    return await started(host, command('svctl')).catch((error: unknown) => {
      if (error instanceof NotThere) return started(host, command(INSTALLED));
      throw error;
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // A link that was cut is dialled again: the library tells by the reason.
    throw new MyInitError('UNREACHABLE', error.message, { metadata: { address: host }, cause: error });
  }
}

/** There is no svctl at this path in the container. */
class NotThere extends Problem {}

async function started(host: string, [program, ...args]: readonly [string, ...string[]]): Promise<Duplex> {
  // Loaded for this alone: most calls stay in the container.
  const { execa } = await import('execa');
  return new Promise((resolve, reject) => {
    const child = execa(program, args, { stdin: 'pipe', buffer: false, reject: false, stripFinalNewline: false });
    let [said, received] = ['', Buffer.alloc(0)];
    const fail = (problem: Problem): void => {
      clearTimeout(timer);
      child.kill();
      reject(problem);
    };
    const timer = setTimeout(() => {
      fail(new Problem(ExitCode.timedOut, `${host}: ${program} gave no answer within ${HANDSHAKE_MS / 1000} s`));
    }, HANDSHAKE_MS);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    child.stdin.on('error', () => undefined);
    void child.then(({ code, exitCode, originalMessage }) => {
      if (code === undefined) return fail(explained(host, program, exitCode, said));
      const why = code === 'ENOENT' ? `${program} is not installed here` : originalMessage;
      fail(new Problem(ExitCode.unreachable, `cannot reach ${host}: ${why}`));
    });
    const greet = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const at = received.indexOf(GREETING);
      if (at < 0) {
        if (received.length > MAX_NOISE_BYTES) {
          fail(new Problem(ExitCode.unreachable, `cannot reach ${host}: the other end is not svctl`));
        }
        return;
      }
      clearTimeout(timer);
      child.stdout.off('data', greet);
      child.stdout.pause();
      const rest = received.subarray(at + GREETING.length);
      if (rest.length > 0) child.stdout.unshift(rest);
      const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
      stream.on('close', () => child.kill());
      resolve(stream);
    };
    child.stdout.on('data', greet);
  });
}

/** Words of docker, podman, kubectl, ssh and the shells for a program that is not there. */
const MISSING = /not found|no such file|executable file/i;
const REFUSED = /forbidden|permission denied|denied/i;

function explained(host: string, program: string, code: number | undefined, said: string): Problem {
  const lines = said.trim().split('\n');
  const words = (lines.find((line) => line.startsWith('svctl: ')) ?? lines.at(-1) ?? '').trim();
  const message = `cannot reach ${host}: ${program} ended with ${code ?? 'a signal'}${words === '' ? '' : `: ${words}`}`;
  if (code === 126 || code === 127 || (MISSING.test(words) && /svctl/.test(words))) {
    return new NotThere(
      ExitCode.unreachable,
      message,
      'Is my_init installed there? svctl is looked for in the PATH and in /usr/lib/my_init.',
    );
  }
  if (code === ExitCode.notPermitted || REFUSED.test(words)) {
    const hint = program === 'kubectl' ? 'It takes the right to create pods/exec in this namespace.' : '';
    return new Problem(ExitCode.notPermitted, message, hint);
  }
  return new Problem(ExitCode.unreachable, message);
}
