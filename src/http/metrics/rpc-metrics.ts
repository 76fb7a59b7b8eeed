import { RPC_DURATION_BOUNDS, type RpcStats } from '../../grpc/rpc-stats.js';
import { counter, type Family, type Sample } from './family.js';

const METHOD = ['grpc_type', 'grpc_service', 'grpc_method'];

/**
 * The names and code words of go-grpc-prometheus, so that ready dashboards work. Index: the status
 * code.
 */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

/**
 * The calls of the gRPC API and of the health service. A method that nobody has called is one
 * series: with every code and bucket it would be thirty, more than a service has.
 */
export function rpcMetrics(stats: RpcStats): readonly Family[] {
  const methods = [...stats.methods()];
  const called = methods.filter(({ started }) => started > 0);
  return [
    counter(
      'grpc_server_started_total',
      'Calls that came in.',
      METHOD,
      methods.map(({ started, type, service, method }): Sample => [started, type, service, method]),
    ),
    counter(
      'grpc_server_handled_total',
      'Calls that were answered, or given up by the client, by status code.',
      [...METHOD, 'grpc_code'],
      called.flatMap(({ handled, type, service, method }) =>
        CODES.map((code, number): Sample => [handled[number] ?? 0, type, service, method, code]),
      ),
    ),
    {
      type: 'histogram',
      name: 'grpc_server_handling_seconds',
      help: 'How long calls took until they were answered or given up.',
      labels: METHOD,
      bounds: RPC_DURATION_BOUNDS,
      series: called.map(({ type, service, method, durations, durationSumSeconds, handled }) => ({
        labels: [type, service, method],
        counts: durations,
        count: handled.reduce((sum, calls) => sum + calls, 0),
        sum: durationSumSeconds,
      })),
    },
  ];
}
