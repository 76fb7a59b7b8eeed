import {
  DesiredState,
  GrpcCode,
  Health,
  HealthCheckResponse,
  HealthListResponse,
  MyInitError,
  type Service,
  ServiceState,
  Services,
  ServingStatus,
  selectorOf,
} from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';
import { fullState, holdWords, troubleWords } from '../phrases.js';
import { Problem } from '../problem.js';
import type { Column } from '../text/fit.js';
import type { Style } from '../text/paint.js';
import type { Row } from '../text/table.js';

/** The checks of my_init itself, beside its services. */
export const OWN_CHECKS = ['liveness', 'readiness', 'startup'];

const SERVICE = 'service/';

export const health: Command = {
  name: 'health',
  summary: 'show liveness, readiness and startup, as the probes see them',
  usage: '[NAME…]',
  operands: 'health',
  hosts: 'reads',
  description:
    'Shows the health as grpc.health.v1 reports it: liveness (my_init works), readiness (the services can be used), startup (the boot is over) and each service. The exit code is 0 when all three, or all named ones, are serving, and 1 otherwise. NAME is liveness, readiness, startup or a service.',
  examples: ['svctl health', 'svctl health readiness', 'svctl health memcached'],
  options: [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for an answer')],
  run: showHealth,
};

async function showHealth(context: Context): Promise<ExitCode> {
  const names = context.operands.map((name) =>
    OWN_CHECKS.includes(name) || name.startsWith(SERVICE) ? name : SERVICE + name,
  );
  const response = names.length === 0 ? await context.ask(Health.list, {}) : await checks(context, names);
  if (context.format === 'table') await printTable(context, response);
  else if (context.format === 'json') context.json(HealthListResponse.toJSON(response));
  else for (const [check, answer] of sorted(response)) context.json({ check, ...asJson(answer) });
  const decisive = names.length === 0 ? OWN_CHECKS : names;
  return decisive.every((name) => response.statuses[name]?.status === ServingStatus.SERVING)
    ? ExitCode.ok
    : ExitCode.failed;
}

async function checks(context: Context, names: readonly string[]): Promise<HealthListResponse> {
  const statuses: Record<string, HealthCheckResponse> = {};
  for (const name of names) {
    try {
      statuses[name] = await context.ask(Health.check, { service: name });
    } catch (error) {
      const plain = error instanceof MyInitError && error.code === GrpcCode.notFound && error.reason === 'UNSPECIFIED';
      if (!plain) throw error;
      throw new Problem(
        ExitCode.noSuchService,
        `no service "${name.slice(SERVICE.length)}"`,
        'svctl health lists all that can be asked.',
      );
    }
  }
  return { statuses };
}

async function printTable(context: Context, response: HealthListResponse): Promise<void> {
  const services = await reasons(context);
  const rows = sorted(response).map(([name, { status }]) => rowOf(name, status, services));
  context.printTable({ header: COLUMNS, rows, varying: [] });
}

const COLUMNS: readonly Column[] = [{ title: 'CHECK', least: 24 }, { title: 'STATUS' }, { title: 'WHY', least: 16 }];

function rowOf(check: string, status: ServingStatus, services: ReadonlyMap<string, Service>): Row {
  const isServing = status === ServingStatus.SERVING;
  const row = (style: Style, why: string, trouble = ''): Row => ({
    cells: [check, { text: statusName(status), style }, why],
    notes: trouble === '' ? [] : [{ text: trouble, style }],
  });
  const service = check.startsWith(SERVICE) ? services.get(check.slice(SERVICE.length)) : undefined;
  if (isServing) return row('good', service?.hold ? holdWords(service.hold, Date.now()) : '');
  if (check === 'readiness') return row('bad', unready([...services.values()]));
  if (service === undefined) return row('bad', '');
  // Nobody wants it up: no fault.
  if (service.desired === DesiredState.DESIRED_STATE_DOWN) return row('faint', `${fullState(service)} by choice`);
  return row('bad', fullState(service), troubleWords(service, Date.now()));
}

/** As many services are named; each has a row of its own. */
const NAMED = 3;

/** `web is in backoff, db is failed and 4 more`. */
function unready(services: readonly Service[]): string {
  const words = services
    .filter(({ desired, optional }) => desired === DesiredState.DESIRED_STATE_UP && !optional)
    .filter((service) => !usable(service))
    .map((service) => `${service.name} is ${fullState(service).replace(/^backoff/, 'in backoff')}`);
  const more = words.length > NAMED ? ` and ${words.length - NAMED} more` : '';
  return words.slice(0, NAMED).join(', ') + more;
}

/**
 * The health protocol has no room for a reason; the services have it. Without them the table is
 * still worth showing.
 */
async function reasons(context: Context): Promise<ReadonlyMap<string, Service>> {
  try {
    const { services } = await context.ask(Services.list, { selector: selectorOf([]) });
    return new Map(services.map((service) => [service.name, service]));
  } catch {
    return new Map();
  }
}

function usable({ state, ready, paused }: Service): boolean {
  const { SERVICE_STATE_UP, SERVICE_STATE_COMPLETED } = ServiceState;
  return state === SERVICE_STATE_COMPLETED || (state === SERVICE_STATE_UP && ready && !paused);
}

/**
 * my_init's own first, then the services; "" is the server as a whole, which liveness says better.
 */
function sorted({ statuses }: HealthListResponse): [string, HealthCheckResponse][] {
  const rank = (name: string): number => OWN_CHECKS.indexOf(name) + 1 || OWN_CHECKS.length + 1;
  return Object.entries(statuses)
    .filter(([name]) => name !== '')
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function asJson(answer: HealthCheckResponse): Record<string, unknown> {
  return { ...(HealthCheckResponse.toJSON(answer) as Record<string, unknown>) };
}

function statusName(status: ServingStatus): string {
  switch (status) {
    case ServingStatus.SERVING:
      return 'serving';
    case ServingStatus.NOT_SERVING:
      return 'not serving';
    case ServingStatus.SERVICE_UNKNOWN:
    case ServingStatus.UNKNOWN:
    case ServingStatus.UNRECOGNIZED:
      return 'unknown';
    default:
      return status satisfies never;
  }
}
