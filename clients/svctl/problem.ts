import { statSync } from 'node:fs';
import { errorOfStatus, GrpcCode, MyInitError, REASONS, type Reason, type Status } from '../typescript/src/index.js';
import { ExitCode } from './exit-code.js';

/** The reason why svctl cannot do what it was asked, and its exit code. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    /** The remedy. */
    readonly hint = '',
  ) {
    super(message);
  }
}

/** The problem behind anything that was thrown; an unforeseen error is returned as it is. */
export function problemOf(error: unknown): unknown {
  return error instanceof MyInitError ? explained(error) : error;
}

/** The problem of one service, from the status in its outcome. */
export function problemOfStatus(status: Status, service: string): Problem {
  return explained(errorOfStatus(status), service);
}

/**
 * The exit code and the hint come from the catalogue; a few messages say more than my_init or the
 * system does.
 */
function explained(error: MyInitError, subject = ''): Problem {
  const { reason, message, metadata, cause } = error;
  if (cause instanceof Problem) return cause;
  if (!isKnown(reason)) return byCode(error);
  const { exitCode, hint } = REASONS[reason];
  const service = metadata.service ?? subject;
  switch (reason) {
    case 'UNREACHABLE':
      return unreachable(error);
    case 'NOT_MY_INIT':
      return new Problem(exitCode, message, OTHER_SOCKET);
    case 'SERVICE_NOT_FOUND': {
      const unknown = service === '' ? message : `no service "${service}"`;
      const { suggestion = '' } = metadata;
      return suggestion === ''
        ? new Problem(exitCode, unknown, hint)
        : new Problem(exitCode, `${unknown}. Did you mean ${suggestion}?`);
    }
    case 'READ_ONLY_ACCESS':
      return new Problem(exitCode, `not permitted: ${message}`);
    case 'NO_ANSWER':
      return new Problem(exitCode, `my_init did not answer on ${metadata.address ?? 'its socket'}: ${message}`, hint);
    case 'CONNECTION_LOST':
      return new Problem(exitCode, `my_init did not complete its answer: ${message}`, hint);
    default:
      if (hint.includes('{service}') && service === '') return new Problem(exitCode, message);
      return new Problem(exitCode, message, hint.replace('{service}', service));
  }
}

function isKnown(reason: string): reason is Reason {
  return reason in REASONS;
}

const OTHER_SOCKET = 'If my_init uses another socket, pass --socket PATH or set MY_INIT_SOCKET.';

function unreachable({ message, metadata: { address = '', errno = '' } }: MyInitError): Problem {
  const { exitCode } = REASONS.UNREACHABLE;
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new Problem(
        exitCode,
        `cannot reach my_init: there is no socket at ${address} (${errno})`,
        `Is my_init running in this container? ${OTHER_SOCKET}`,
      );
    case 'ECONNREFUSED':
      return isSocket(address)
        ? new Problem(
            exitCode,
            `cannot reach my_init: nobody listens on ${address} (${errno})`,
            `my_init has ended, or the socket is left over from an earlier one. ${OTHER_SOCKET}`,
          )
        : new Problem(
            exitCode,
            `cannot reach my_init: ${address} is not a socket`,
            `my_init cannot create its socket while another file has this path. ${OTHER_SOCKET}`,
          );
    case 'EACCES':
    case 'EPERM':
      return new Problem(
        ExitCode.notPermitted,
        `cannot reach my_init: no permission to use ${address} (${errno})`,
        "Run svctl as root, as my_init's user, or as a member of the socket's group.",
      );
    default:
      return new Problem(exitCode, message, OTHER_SOCKET);
  }
}

function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return true;
  }
}

/** For an answer without a reason, or with a reason that only a newer my_init knows. */
function byCode({ code, message }: MyInitError): Problem {
  switch (code) {
    case GrpcCode.invalidArgument:
      return new Problem(ExitCode.usage, message);
    case GrpcCode.notFound:
      return new Problem(ExitCode.noSuchService, message);
    case GrpcCode.permissionDenied:
    case GrpcCode.unauthenticated:
      return new Problem(ExitCode.notPermitted, `not permitted: ${message}`, REASONS.READ_ONLY_ACCESS.hint);
    case GrpcCode.deadlineExceeded:
      return new Problem(ExitCode.timedOut, message, REASONS.NO_ANSWER.hint);
    case GrpcCode.unavailable:
      return new Problem(
        ExitCode.unreachable,
        `my_init did not complete its answer: ${message}`,
        REASONS.CONNECTION_LOST.hint,
      );
    case GrpcCode.failedPrecondition:
      return new Problem(ExitCode.precondition, message);
    case GrpcCode.unimplemented:
      return new Problem(
        ExitCode.failed,
        `this my_init does not know the call: ${message}`,
        'svctl version compares both.',
      );
    default:
      return new Problem(ExitCode.failed, message === '' ? `my_init answered with the gRPC code ${code}` : message);
  }
}
