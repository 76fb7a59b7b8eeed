/** The public API of the client library. */
export { type CallOptions, Channel, type Method } from './channel.js';
export { connect, MyInit } from './client.js';
export { type Address, ANSWER_TIMEOUT_MS, Connection } from './connection.js';
export { durationOf } from './duration.js';
export { cancelled, type ErrorReason, errorOfStatus, GrpcCode, isLost, MyInitError } from './errors.js';
export type { Duration } from './gen/google/protobuf/duration.js';
export type { Status } from './gen/google/rpc/status.js';
export {
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthListResponse,
} from './gen/grpc/health/v1/health.js';
export {
  type AppliedChange,
  ApplyAction,
  ApplyResponse,
  DefinitionsGetResponse,
  type DefinitionValue,
  ExplainResponse,
  type Explanation,
  type ServiceDefinition,
} from './gen/my_init/v1/definitions.js';
export {
  BootOutcome,
  type BootStep,
  BootStepKind,
  ContainerLimits,
  GetBootResponse,
  GetInfoResponse,
  ListProcessesResponse,
  type LogLoss,
  Phase,
  Process,
  ProcessRole,
  ReexecResponse,
  RescanResponse,
  ShutdownProgress,
} from './gen/my_init/v1/init.js';
export {
  type LogCursor,
  type LogGap,
  type LogLine,
  type LogMarker,
  LogMarkerKind,
  LogStream,
  type ReadResponse,
} from './gen/my_init/v1/logs.js';
export {
  type Cause,
  CauseKind,
  DesiredState,
  Exit,
  type Hold,
  Service,
  ServiceState,
} from './gen/my_init/v1/service.js';
export {
  ListResponse,
  OperationResponse,
  Outcome as OutcomeMessage,
  type Selector,
  ServiceUsage,
  WaitLevel,
  WatchResponse,
  WatchUsageResponse,
} from './gen/my_init/v1/services.js';
export { REASONS, type Reason, type ReasonTraits } from './gen/reasons.js';
export { type LogEvent, type LogOptions, logBatches } from './logs.js';
export { Definitions, Health, Init, Logs, Services } from './methods.js';
export { type MutationRequest, mutate, order } from './mutate.js';
export type {
  ApplyOptions,
  HoldOptions,
  MutationOptions,
  Options,
  OrderOptions,
  RestartOptions,
  RunOptions,
  ShutdownOptions,
  SignalOptions,
  StartOptions,
  StopOptions,
} from './options.js';
export { type Outcome, outcomeOf } from './outcome.js';
export { type Names, selectorOf } from './selector.js';
export { defaultSocket, MAX_SOCKET_PATH_BYTES, openSocket } from './socket.js';
export { type UsageOptions, watchUsage } from './usage.js';
export { type ServiceChange, type WatchEvent, type WatchOptions, watch } from './watch.js';
