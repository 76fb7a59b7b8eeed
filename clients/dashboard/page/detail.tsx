import { clockTime } from '../../svctl/text/duration.js';
import type { DetailAnswer } from '../web/protocol.js';
import { useAnswer } from './asked.js';
import { OrderButtons } from './confirm.js';
import { Plot } from './plot.js';
import { linkTo } from './route.js';
import { entryOf, hosts, nowMs, samples, several, usage } from './store.js';
import { TimelineBar } from './timeline.js';
import { bytesWords, cpuWords, exitWordsOf, State, troubleOf, uptimeWords } from './words.js';

const BAR_MS = 60 * 60_000;
const HISTORY = 50;
/** An explanation has durations in it. */
const AGAIN_MS = 60_000;

/** All that is known of one service. */
export function Detail({ host, name }: { readonly host: number; readonly name: string }) {
  const id = `${host}/${name}`;
  const entry = entryOf(id);
  const service = entry?.service;
  const again = `${service?.runId} ${service?.state} ${service?.troubleWords} ${Math.floor(nowMs.value / AGAIN_MS)}`;
  const {
    answer,
    answeredMs = 0,
    problem,
  } = useAnswer<DetailAnswer>('/api/detail', { host: String(host), name }, again);
  const used = usage.value.get(id);
  const held = samples.value.get(id);
  if (entry === undefined || service === undefined) {
    return (
      <>
        <h1>{name}</h1>
        <p class="empty">There is no such service.</p>
      </>
    );
  }
  const facts: readonly (readonly [string, string | number])[] = [
    ['Desired', service.desired],
    ['Uptime', uptimeWords(service)],
    ['Process', service.pid === 0 ? '–' : `pid ${service.pid}`],
    ['Run', service.runId === '' ? '–' : `${service.run} (${service.runId})`],
    ['Restarts', service.restarts],
    ['Failures in a row', service.failures],
    ['Last exit', exitWordsOf(service)],
    ['Cause', service.cause || '–'],
    ['Status', service.statusText || '–'],
    ['Processes', used === undefined ? '–' : used[2]],
    ['Open descriptors', used === undefined || used[3] < 0 ? '–' : used[3]],
    ['Directory', service.directory || '–'],
  ];
  return (
    <>
      <div class="bar">
        <h1>{name}</h1>
        {several.value && <span class="faint">{hosts.value[host]?.name}</span>}
        <State state={service.state} style={service.style} />
        <OrderButtons entries={[entry]} />
        <a href={linkTo('logs', id)}>logs</a>
      </div>
      {[troubleOf(service), service.held, problem ?? ''].filter(Boolean).map((words) => (
        <p class="why" key={words}>
          {words}
        </p>
      ))}
      <TimelineBar service={service} spanMs={BAR_MS} />
      <p class="faint small">The last hour</p>
      <div class="columns">
        <section class="card">
          <h2>Status</h2>
          <dl>
            {facts.map(([key, value]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section class="card">
          <h2>Resources</h2>
          <Plot title="CPU" atMs={held?.atMs ?? []} values={held?.cpus ?? []} least={0.1} words={cpuWords} />
          <Plot title="Memory" atMs={held?.atMs ?? []} values={held?.memory ?? []} least={1} words={bytesWords} />
        </section>
        <section class="card">
          <h2>
            Explanation{' '}
            {answer !== undefined && <span class="faint small">at {clockTime(new Date(answeredMs)).slice(0, 8)}</span>}
          </h2>
          {answer?.explanation.map(({ service: of, lines }) => (
            <div key={of}>
              {answer.explanation.length > 1 && <strong>{of}</strong>}
              {lines.map((line) => (
                <p key={line}>{line}</p>
              ))}
            </div>
          ))}
        </section>
        <section class="card">
          <h2>History</h2>
          <ul class="history mono">
            {answer?.history.slice(0, HISTORY).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
          {answer?.history.length === 0 && <p class="faint">The log holds no run.</p>}
        </section>
      </div>
      <section class="card">
        <h2>Definition</h2>
        <table class="definition mono">
          <thead class="unseen">
            <tr>
              <th>Key</th>
              <th>Value</th>
              <th>From</th>
            </tr>
          </thead>
          <tbody>
            {answer?.definition.map(({ key, value, from }) => (
              <tr key={key} class={from === 'default' ? 'faint' : ''}>
                <td>{key}</td>
                <td>{value}</td>
                <td>{from}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
