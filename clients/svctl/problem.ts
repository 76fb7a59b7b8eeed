import { statSync } from 'node:fs';
import { ErrorInfo } from '../../gen/google/rpc/error_details.js';
import type { Status } from '../../gen/google/rpc/status.js';
import { ExitCode } from './exit-code.js';
import { ConnectError, GrpcCode, RpcError } from './grpc-http2.js';

/** What svctl has to say when it cannot do what it was asked, and the exit code that goes with it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    /** What the reader can do about it. */
    readonly hint = '',
  ) {
    super(message);
  }
}

/** The problem behind anything that was thrown; an error that nobody foresaw stays what it is. */
export function problemOf(error: unknown, socket: string): unknown {
  if (error instanceof ConnectError) return unreachable(error);
  if (error instanceof RpcError) return refused(error, socket);
  return error;
}

/** The problem of one service, from the status in its outcome. */
export function problemOfStatus(status: Status, socket: string, subject = ''): Problem {
  return refused(new RpcError(status.code, status.message, status.details), socket, subject);
}

function unreachable({ socket, code, message }: ConnectError): Problem {
  const elsewhere = 'Is it another socket? Name it with --socket PATH or MY_INIT_SOCKET.';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new Problem(
        ExitCode.unreachable,
        `cannot reach my_init: there is no socket at ${socket} (${code})`,
        `Is my_init running in this container? ${elsewhere}`,
      );
    case 'ECONNREFUSED':
      if (!isSocket(socket))
        return new Problem(
          ExitCode.unreachable,
          `cannot reach my_init: ${socket} is not a socket`,
          `my_init cannot make its socket there while it is in the way. ${elsewhere}`,
        );
      return new Problem(
        ExitCode.unreachable,
        `cannot reach my_init: nobody listens on ${socket} (${code})`,
        `my_init has ended, or the socket is left over from an earlier one. ${elsewhere}`,
      );
    case 'EACCES':
    case 'EPERM':
      return new Problem(
        ExitCode.notPermitted,
        `cannot reach my_init: no permission to use ${socket} (${code})`,
        "Run svctl as root, as my_init's user, or as a member of the socket's group.",
      );
    case 'ERR_HTTP2_ERROR':
      return new Problem(
        ExitCode.unreachable,
        `what answers on ${socket} is not my_init (it speaks no gRPC)`,
        elsewhere,
      );
    default:
      return new Problem(ExitCode.unreachable, `cannot reach my_init on ${socket}: ${message}`, elsewhere);
  }
}

function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return true;
  }
}

function refused(error: RpcError, socket: string, subject = ''): Problem {
  const info = errorInfo(error.details);
  const about = info?.metadata.service ?? subject;
  switch (info?.reason) {
    case 'SERVICE_NOT_FOUND': {
      const suggestion = info.metadata.suggestion ?? '';
      const unknown = about === '' ? error.message : `no service "${about}"`;
      return suggestion === ''
        ? new Problem(ExitCode.noSuchService, unknown, 'svctl status lists the services.')
        : new Problem(ExitCode.noSuchService, `${unknown}. Did you mean ${suggestion}?`);
    }
    case 'NO_MATCH':
      return new Problem(ExitCode.noSuchService, error.message, 'svctl status lists the services.');
    case 'REMOVED':
      return new Problem(ExitCode.noSuchService, error.message);
    case 'EMPTY_SELECTOR':
    case 'INVALID_ARGUMENT':
      return new Problem(ExitCode.usage, error.message);
    case 'NOT_RUNNING':
      return new Problem(ExitCode.precondition, error.message, about === '' ? '' : `svctl start ${about} starts it.`);
    case 'RUN_CHANGED':
    case 'SHUTTING_DOWN':
      return new Problem(ExitCode.precondition, error.message);
    case 'READ_ONLY_ACCESS':
      return new Problem(ExitCode.notPermitted, `not permitted: ${error.message}`);
    case 'SIGNAL_FAILED':
    case 'SUPERSEDED':
      return new Problem(ExitCode.failed, error.message);
    case 'START_FAILED':
      return new Problem(ExitCode.failed, error.message, why(about));
    case 'EXITED_EARLY':
      return new Problem(ExitCode.exitedEarly, error.message, why(about));
    case 'WAIT_TIMEOUT':
      return new Problem(
        ExitCode.timedOut,
        error.message,
        `The operation goes on. svctl watch${about === '' ? '' : ` ${about}`} follows it; --timeout waits longer.`,
      );
    default:
      return byCode(error, socket);
  }
}

/** For what carries no reason of my_init's: the transport, an older or newer my_init. */
function byCode({ code, message }: RpcError, socket: string): Problem {
  switch (code) {
    case GrpcCode.invalidArgument:
      return new Problem(ExitCode.usage, message);
    case GrpcCode.notFound:
      return new Problem(ExitCode.noSuchService, message);
    case GrpcCode.permissionDenied:
    case GrpcCode.unauthenticated:
      return new Problem(
        ExitCode.notPermitted,
        `not permitted: ${message}`,
        "Run svctl as root, as my_init's user, or as a member of the group that my_init lets in.",
      );
    case GrpcCode.deadlineExceeded:
      return new Problem(
        ExitCode.timedOut,
        `my_init did not answer on ${socket}: ${message}`,
        'Try again, or wait longer with --timeout.',
      );
    case GrpcCode.unavailable:
      return new Problem(
        ExitCode.unreachable,
        `my_init did not finish its answer on ${socket}: ${message}`,
        'Its controller may just have been replaced. The order may have been taken: svctl status shows what is.',
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

/** Whether a call ended without an answer because the controller did, or the connection: the next one answers. */
export function endedWithoutAnswer(error: unknown): error is RpcError {
  if (!(error instanceof RpcError) || error.code !== GrpcCode.unavailable) return false;
  return error.details.length === 0 || errorInfo(error.details)?.reason === 'CONTROLLER_REPLACED';
}

function why(service: string): string {
  return service === '' ? '' : `svctl status ${service} says more.`;
}

function errorInfo(details: Status['details']): ErrorInfo | undefined {
  for (const { typeUrl, value } of details) {
    if (!typeUrl.endsWith('/google.rpc.ErrorInfo')) continue;
    try {
      const info = ErrorInfo.decode(value);
      if (info.domain === 'my_init') return info;
    } catch {
      return undefined;
    }
  }
  return undefined;
}
