// The driver of clients/typescript: node driver.mjs SOCKET LIBRARY. See README.md.
import { createInterface } from 'node:readline';

const [socket, library] = process.argv.slice(2);
const { ApplyAction, connect, LogMarkerKind, ServiceState } = await import(library);
const my = connect(socket);
const calls = new Map();

/** Methods about my_init itself. */
const OF_MY_INIT = ['info', 'health', 'rescan', 'reexec'];

/** How the answer of each method is printed. */
const ANSWERS = {
  services: (found) => found.map(service),
  service,
  info: ({ version }) => ({ version }),
  health,
  restart: (found) => found.map(outcome),
  signal: (found) => found.map(outcome),
  hold: (found) => found.map(outcome),
  release: (found) => found.map(outcome),
  reset: (found) => found.map(outcome),
  definitions: (found) => found.map(definition),
  apply: (found) => found.map(change),
  explain: (found) => found.map(({ service: name, facts }) => ({ service: name, facts })),
  rescan: ({ added, removed }) => ({ added, removed }),
  reexec: ({ version, controllerPid }) => ({ version, controllerPid }),
};
const EVENTS = { watch: watchEvent, logs: logEvent };

for await (const line of createInterface({ input: process.stdin })) {
  const { id, call, with: args = {}, cancel } = JSON.parse(line);
  if (cancel) calls.get(id)?.abort();
  else void carryOut(id, call, args);
}
my.close();

async function carryOut(id, call, { names, name, signal: signalName, cursor, ...rest }) {
  const controller = new AbortController();
  calls.set(id, controller);
  const options = { ...rest, ...(cursor && { cursor: { services: cursor } }), signal: controller.signal };
  try {
    if (call in EVENTS) {
      for await (const one of my[call](names, options)) answer({ id, event: EVENTS[call](one) });
      return answer({ id, end: true });
    }
    if (!(call in ANSWERS)) throw new Error(`no call ${call}`);
    const words = OF_MY_INIT.includes(call) ? [] : call === 'signal' ? [names, signalName] : [name ?? names];
    answer({ id, result: ANSWERS[call](await my[call](...words, options)) });
  } catch (thrown) {
    answer({ id, error: error(thrown) });
  }
}

function answer(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function service({ name, state, ready, run, runId, pid, hold }) {
  const word = ServiceState[state].replace('SERVICE_STATE_', '').toLowerCase();
  return { name, state: word, ready, run, runId, pid, hold: hold?.reason ?? '' };
}

function definition({ name, values }) {
  return { name, values: Object.fromEntries(values.map(({ key, value }) => [key, value])) };
}

function change({ name, action, keys }) {
  return { name, action: ApplyAction[action].replace('APPLY_ACTION_', '').toLowerCase(), keys };
}

function outcome({ name, changed, error: failed, service: now }) {
  return { name, changed, error: failed && error(failed), service: now && service(now) };
}

function error({ reason = 'NOT_A_MY_INIT_ERROR', code, message, metadata, suggestion, hint, outcomes = [] }) {
  return { reason, code, message, metadata, suggestion, hint, outcomes: outcomes.map(outcome) };
}

function health(statuses) {
  const words = ['UNKNOWN', 'SERVING', 'NOT_SERVING'];
  return Object.fromEntries(Object.entries(statuses).map(([name, { status }]) => [name, words[status]]));
}

function watchEvent(event) {
  if (event.kind === 'snapshot') return { kind: event.kind, services: event.services.map(service) };
  if (event.kind === 'change') return { kind: event.kind, service: service(event.service), removed: event.removed };
  return { kind: event.kind };
}

function logEvent(event) {
  switch (event.kind) {
    case 'line':
      return { kind: event.kind, service: event.service, text: Buffer.from(event.text).toString() };
    case 'gap':
      return { kind: event.kind, service: event.service, lines: Number(event.lines) };
    case 'marker':
      return { kind: event.kind, service: event.marker.service, what: LogMarkerKind[event.marker.kind] };
    default:
      return { kind: event.kind, cursor: event.cursor.services };
  }
}
