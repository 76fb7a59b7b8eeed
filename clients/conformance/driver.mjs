// The driver of clients/typescript: node driver.mjs SOCKET LIBRARY. See README.md.
import { createInterface } from 'node:readline';

const [socket, library] = process.argv.slice(2);
const { connect, LogMarkerKind, ServiceState } = await import(library);
const my = connect(socket);
const calls = new Map();

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
    switch (call) {
      case 'services':
        return answer({ id, result: (await my.services(names, options)).map(service) });
      case 'service':
        return answer({ id, result: service(await my.service(name, options)) });
      case 'info':
        return answer({ id, result: { version: (await my.info(options)).version } });
      case 'health':
        return answer({ id, result: health(await my.health(options)) });
      case 'restart':
        return answer({ id, result: (await my.restart(names, options)).map(outcome) });
      case 'signal':
        return answer({ id, result: (await my.signal(names, signalName, options)).map(outcome) });
      case 'watch':
        for await (const one of my.watch(names, options)) answer({ id, event: watchEvent(one) });
        return answer({ id, end: true });
      case 'logs':
        for await (const one of my.logs(names, options)) answer({ id, event: logEvent(one) });
        return answer({ id, end: true });
      default:
        throw new Error(`no call ${call}`);
    }
  } catch (thrown) {
    answer({ id, error: error(thrown) });
  }
}

function answer(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function service({ name, state, ready, run, runId, pid }) {
  return { name, state: ServiceState[state].replace('SERVICE_STATE_', '').toLowerCase(), ready, run, runId, pid };
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
