/**
 * The keys of `ready` and `live`: how a service is looked at, or says of itself that it is ready.
 */

import { parsePattern } from '../../logs/read/pattern/pattern.js';
import { PatternError } from '../../logs/read/pattern/syntax.js';
import type { Live, Probe, ProbeTimes, Readiness } from './definition.js';
import type { Node } from './node.js';
import type { Reading } from './reading.js';
import { type Keys, key, record, recordSchema, type Values } from './record-shape.js';
import {
  anyText,
  choice,
  constant,
  duration,
  either,
  type JsonSchema,
  list,
  mapped,
  number,
  parsed,
  type Shape,
  table,
  text,
} from './shapes.js';
import { absolutePath, argv } from './values.js';

const statusRange = parsed(
  'a status like 204, or a range like 200-399',
  (range): readonly [number, number] | undefined => {
    const [, first, last = first] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(range) ?? [];
    return first === undefined || Number(last) < Number(first) ? undefined : [Number(first), Number(last)];
  },
);

const ANY_SUCCESS: readonly (readonly [number, number])[] = [[200, 399]];

const URL_WORDS = 'a URL like http://localhost:8080/health';

const httpText = text({ words: URL_WORDS, pattern: /^http:\/\/[^\s/]+/ });
const httpUrl: Shape<string> = {
  ...httpText,
  read(node, path, reading) {
    if (node.kind === 'scalar' && node.source.startsWith('https:'))
      return reading.mistyped(path, node, URL_WORDS, 'probe the service itself, not what encrypts for it');
    const url = httpText.read(node, path, reading);
    return url === undefined || URL.canParse(url) ? url : reading.mistyped(path, node, URL_WORDS);
  },
};

const httpForm = record(
  {
    url: key(httpUrl, 'Where to ask. There is no https: probe the service itself, not what encrypts for it.', {
      required: true,
    }),
    unix: key(absolutePath, 'A Unix socket to connect to; the URL then names host and path only.', {}),
    headers: key(
      table(anyText(), { pattern: /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, words: 'the name of a header' }),
      'Headers of the request.',
      {},
    ),
    status: key(
      list(statusRange, { least: 1, words: 'a list of statuses' }),
      'Statuses that pass, as numbers and ranges.',
      { otherwise: '[200-399]' },
    ),
  },
  'an http probe',
);

const http: Shape<Probe> = either(
  mapped(httpUrl, (url) => ({ kind: 'http', url, unix: undefined, headers: {}, status: ANY_SUCCESS })),
  mapped(httpForm, ({ url, unix, headers, status }) => ({
    kind: 'http',
    url,
    unix,
    headers: Object.fromEntries(headers ?? []),
    status: status ?? ANY_SUCCESS,
  })),
);

const hostAndPort = text({
  words: 'an address like localhost:5432 or [::1]:5432',
  pattern: /^(\[[0-9A-Fa-f:.%a-z]+\]|[^\s:[\]]+):\d{1,5}$/,
});

const tcp: Shape<Probe> = mapped(hostAndPort, (address, path, node, reading) => {
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  if (port < 1 || port > 65_535) return reading.mistyped(path, node, 'an address with a port from 1 to 65535');
  return { kind: 'tcp', host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port };
});

const GRPC_WORDS = 'an address like localhost:50051 or unix:/run/app.sock';

const grpcAddress = mapped(
  text({ words: GRPC_WORDS, pattern: /^(unix:\/.|.+:\d{1,5}$)/ }),
  (address, path, node, reading) =>
    address.startsWith('unix:/') || URL.canParse(`http://${address}`)
      ? address
      : reading.mistyped(path, node, GRPC_WORDS),
);

const grpc: Shape<Probe> = mapped(
  record(
    {
      address: key(grpcAddress, 'Where the server listens.', { required: true }),
      service: key(text({ words: 'text', pattern: /^/ }), 'The name to ask for; "" is the server as a whole.', {
        default: '',
      }),
    },
    'a grpc probe',
  ),
  ({ address, service }) => ({ kind: 'grpc', address, service }),
);

const POLLED = {
  http: key(http, 'Passes on a status from 200 to 399, or in `status`. A URL, or a map.', {
    example: 'http://localhost:8080/health',
  }),
  tcp: key(tcp, 'Passes when a connection opens.', { example: 'localhost:5432' }),
  unix: key(
    mapped(absolutePath, (path): Probe => ({ kind: 'unix', path })),
    'Passes when a connection to the Unix socket opens.',
    { example: '/run/app.sock' },
  ),
  grpc: key(grpc, 'Passes when grpc.health.v1 says SERVING.', { example: '{ address: "localhost:50051" }' }),
  exec: key(
    mapped(argv, (words): Probe => ({ kind: 'exec', argv: words })),
    'Passes when the program exits with 0. It runs as the user of the service, in its directory and with its environment.',
    { example: '[pg_isready, -q]' },
  ),
  file: key(
    mapped(absolutePath, (path): Probe => ({ kind: 'file', path })),
    'Passes when the path exists.',
    { example: '/run/app.ready' },
  ),
};

const logPattern = mapped(text({ words: 'a regular expression', pattern: /^/ }), (pattern, path, node, reading) => {
  try {
    parsePattern(pattern);
    return pattern;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const message = `${path}: ${JSON.stringify(pattern)} is not a regular expression: ${error.message}`;
    return reading.fail('wrong-value', path, node.at, message, 'write it as for svctl logs --grep');
  }
});

const PUSHED = {
  notify_fd: key(number(3, 255), 'Ready when the service writes a newline to this descriptor, as with s6.', {
    example: '3',
  }),
  notify: key(constant(true), 'Ready when the service sends READY=1 to $NOTIFY_SOCKET, as with sd_notify(3).', {
    example: 'true',
  }),
  log: key(logPattern, 'Ready when a line of the output matches this regular expression.', {
    example: 'ready to accept connections',
  }),
  delay: key(duration(), 'Ready when the process has run that long.', { example: '250ms' }),
};

const TIMES = {
  interval: key(
    duration(100),
    'The time between two checks. Until the service is ready: from 100 ms, growing to 1 s.',
    {
      default: '10s',
    },
  ),
  timeout: key(duration(10), 'A check that takes longer has failed.', { default: '3s' }),
  failures: key(number(1, 1000), 'The number of failed checks in a row after which the service is not ready.', {
    default: 3,
  }),
  successes: key(number(1, 1000), 'The number of passed checks in a row after which the service is ready.', {
    default: 1,
  }),
};

const timesOf = ({ interval, timeout, failures, successes }: Values<typeof TIMES>): ProbeTimes => ({
  intervalMs: interval,
  timeoutMs: timeout,
  failures,
  successes,
});

/** The one kind of a map with kinds as keys; undefined after a problem. */
function kindOf<K extends string>(kinds: readonly K[], path: string, node: Node, reading: Reading): K | undefined {
  const written = node.kind === 'map' ? node.entries.map((entry) => entry.key) : [];
  const [kind, second] = kinds.filter((name) => written.includes(name));
  if (kind === undefined)
    return reading.fail('missing-key', path, node.at, `${path} has no probe`, `add one of ${kinds.join(', ')}`);
  if (second !== undefined)
    return reading.fail(
      'conflict',
      path,
      node.at,
      `${path} has two probes, ${kind} and ${second}`,
      'keep one of the two',
    );
  const time = kind in PUSHED ? written.find((name) => name in TIMES) : undefined;
  if (time !== undefined)
    return reading.fail(
      'conflict',
      `${path}.${time}`,
      reading.origins.get(`${path}.${time}`) ?? node.at,
      `${path}: ${time} means nothing with ${kind}`,
      `remove ${time}`,
    );
  return kind;
}

const namesOf = <K extends Keys>(keys: K): readonly (keyof K & string)[] => Object.keys(keys);
const POLLED_KINDS = namesOf(POLLED);
const READY_KINDS = [...POLLED_KINDS, ...namesOf(PUSHED)];

const readyForm = record({ ...POLLED, ...PUSHED, ...TIMES }, 'ready');

export const ready: Shape<Readiness> = {
  ...mapped(readyForm, (values, path, node, reading): Readiness | undefined => {
    const kind = kindOf(READY_KINDS, path, node, reading);
    const { notify_fd: fd, log: pattern, delay: delayMs } = values;
    if (kind === 'notify') return { kind };
    if (kind === 'notify_fd') return fd === undefined ? undefined : { kind, fd };
    if (kind === 'log') return pattern === undefined ? undefined : { kind, pattern };
    if (kind === 'delay') return delayMs === undefined ? undefined : { kind, delayMs };
    const probe = kind && values[kind];
    return probe && { kind: 'probe', probe, times: timesOf(values) };
  }),
  schema: { anyOf: [...kindSchemas(POLLED, TIMES), ...kindSchemas(PUSHED, {})] },
};

const LIVE_TIMES = {
  ...TIMES,
  on_failure: key(
    choice(['restart', 'none', 'shutdown']),
    'What follows when the check has failed: a restart of the service, only a line in the log, or a shutdown of the container with exit code 85.',
    { default: 'restart' },
  ),
};

export const live: Shape<Live> = {
  ...mapped(record({ ...POLLED, ...LIVE_TIMES }, 'live'), (values, path, node, reading): Live | undefined => {
    const kind = kindOf(POLLED_KINDS, path, node, reading);
    const probe = kind && values[kind];
    return probe && { probe, times: timesOf(values), onFailure: values.on_failure };
  }),
  schema: { anyOf: kindSchemas(POLLED, LIVE_TIMES) },
};

/** One schema for each kind: exactly one is there, with the other keys that go with it. */
function kindSchemas(kinds: Keys, others: Keys): readonly JsonSchema[] {
  return Object.entries(kinds).map(([kind, rule]) => ({
    ...recordSchema({ [kind]: rule, ...others }),
    required: [kind],
  }));
}

/** The keys of `ready` and `live`, for the reference page. */
export const READY_KEYS: Keys = readyForm.keys;
export const LIVE_KEYS: Keys = { ...POLLED, ...LIVE_TIMES };
