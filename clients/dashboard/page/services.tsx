import { computed, signal } from '@preact/signals';
import { OrderButtons } from './confirm.js';
import { linkTo } from './route.js';
import { type Entry, entries, hosts, idOf, loaded, maySend, samples, several, usage } from './store.js';
import { TimelineBar } from './timeline.js';
import { bytesWords, cpuWords, exitWordsOf, roughUptimeWords, Sparkline, State, troubleOf } from './words.js';

const FILTERS = ['all', 'running', 'in trouble', 'not running'] as const;
const SORTS = ['name', 'state', 'restarts', 'uptime', 'CPU', 'memory'] as const;
type Filter = (typeof FILTERS)[number];
type Sort = (typeof SORTS)[number];

/** The timeline beside each service. */
const BAR_MS = 15 * 60_000;

const text = signal('');
const filter = signal<Filter>('all');
const sort = signal<Sort>('name');
const chosen = signal<ReadonlySet<string>>(new Set());

const id = ({ host, service }: Entry): string => idOf(host, service.name);
const cpusOf = (entry: Entry): number => usage.value.get(id(entry))?.[0] ?? 0;
const memoryOf = (entry: Entry): number => usage.value.get(id(entry))?.[1] ?? 0;

const shown = computed(() => {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.value
    .filter((entry) => fits(entry, filter.value) && words.every((word) => haystack(entry).includes(word)))
    .sort((a, b) => order(sort.value, a, b) || (a.service.name < b.service.name ? -1 : 1));
});

const haystack = ({ host, service }: Entry): string =>
  [service.name, service.state, hosts.value[host]?.name, ...service.tags].join(' ').toLowerCase();

function fits({ service }: Entry, wanted: Filter): boolean {
  if (wanted === 'running') return service.running;
  if (wanted === 'not running') return !service.running;
  return wanted === 'all' || service.trouble;
}

function order(by: Sort, a: Entry, b: Entry): number {
  switch (by) {
    case 'name':
      return 0;
    case 'state':
      return Number(b.service.trouble) - Number(a.service.trouble) || (a.service.state < b.service.state ? -1 : 1);
    case 'restarts':
      return b.service.restarts - a.service.restarts;
    case 'uptime':
      return b.service.startedAtMs - a.service.startedAtMs;
    case 'CPU':
      return cpusOf(b) - cpusOf(a);
    case 'memory':
      return memoryOf(b) - memoryOf(a);
    default:
      return by satisfies never;
  }
}

/** The list of all services. */
export function Services() {
  const list = shown.value;
  const picked = list.filter((entry) => chosen.value.has(id(entry)));
  return (
    <>
      <h1 class="unseen">Services</h1>
      <div class="bar">
        <input
          type="search"
          aria-label="Filter by name, state, tag or host"
          placeholder="Filter by name, state, tag or host"
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <fieldset class="segments" aria-label="Filter by state">
          {FILTERS.map((name) => (
            <button
              type="button"
              key={name}
              aria-pressed={filter.value === name}
              onClick={() => {
                filter.value = name;
              }}
            >
              {name} <span class="count">{entries.value.filter((entry) => fits(entry, name)).length}</span>
            </button>
          ))}
        </fieldset>
        <label class="sort">
          Sort by{' '}
          <select
            value={sort.value}
            onChange={(event) => {
              sort.value = SORTS.find((name) => name === event.currentTarget.value) ?? 'name';
            }}
          >
            {SORTS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      {picked.length > 0 && (
        <div class="bar picked">
          <span>{picked.length} selected</span>
          <OrderButtons entries={picked} />
          <a href={linkTo('logs', ...picked.map(id))}>logs</a>
        </div>
      )}
      {list.length === 0 ? (
        <p class="empty">{emptyWords()}</p>
      ) : (
        <table class="services">
          <thead>
            <tr>
              {maySend.value && (
                <th class="pick">
                  <span class="unseen">Select</span>
                </th>
              )}
              <th>Name</th>
              {several.value && <th>Host</th>}
              <th>State</th>
              <th class="number">Uptime</th>
              <th class="number middle">Restarts</th>
              <th class="wide">Last exit</th>
              <th class="number middle">CPU</th>
              <th class="number">Memory</th>
              <th class="wide">Last 15 minutes</th>
            </tr>
          </thead>
          <tbody>
            {list.map((entry) => (
              <Row key={id(entry)} entry={entry} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function emptyWords(): string {
  if (!loaded.value || hosts.value.some(({ connecting }) => connecting)) return 'Reading the services …';
  return entries.value.length === 0 ? 'There are no services.' : 'No service fits the filter.';
}

function Row({ entry }: { readonly entry: Entry }) {
  const { host, service } = entry;
  const key = id(entry);
  const used = usage.value.get(key);
  const held = samples.value.get(key);
  const trouble = troubleOf(service);
  return (
    <tr class={service.trouble ? 'trouble' : ''}>
      {maySend.value && (
        <td class="pick">
          <input
            type="checkbox"
            aria-label={`Select ${service.name}`}
            checked={chosen.value.has(key)}
            onChange={() => {
              const next = new Set(chosen.value);
              if (!next.delete(key)) next.add(key);
              chosen.value = next;
            }}
          />
        </td>
      )}
      <td class="name">
        <a href={linkTo('service', host, service.name)}>{service.name}</a>
        {service.tags.map((tag) => (
          <span class="tag" key={tag}>
            {tag}
          </span>
        ))}
        {trouble !== '' && <div class="why">{trouble}</div>}
        {service.held !== '' && <div class="why">{service.held}</div>}
      </td>
      {several.value && <td class="faint">{hosts.value[host]?.name}</td>}
      <td>
        <State state={service.state} style={service.style} />
      </td>
      <td class="number">{roughUptimeWords(service)}</td>
      <td class="number middle">{service.restarts}</td>
      <td class="wide exit">{exitWordsOf(service)}</td>
      <td class="number used middle">
        <Sparkline values={held?.cpus ?? []} least={0.1} />{' '}
        <span>{service.running && used ? cpuWords(used[0]) : '–'}</span>
      </td>
      <td class="number used">
        <Sparkline values={held?.memory ?? []} least={1} />{' '}
        <span>{service.running && used ? bytesWords(used[1]) : '–'}</span>
      </td>
      <td class="wide">
        <TimelineBar service={service} spanMs={BAR_MS} />
      </td>
    </tr>
  );
}
