import { useEffect, useRef, useState } from 'preact/hooks';
import { LogLines } from './log-lines.js';
import { LogList } from './log-list.js';
import { linkTo } from './route.js';
import { entries, hosts, idOf, several } from './store.js';

/** The log of services, or of all: follows while a person reads back; searches; filters at my_init. */
export function Logs({ services }: { readonly services: readonly string[] }) {
  const [grep, setGrep] = useState('');
  const [run, setRun] = useState<'' | 'previous'>('');
  const [stderr, setStderr] = useState(false);
  const [times, setTimes] = useState(true);
  const [follows, setFollows] = useState(true);
  const [searched, setSearched] = useState('');
  const [found, setFound] = useState<number | undefined>(undefined);
  const [version, setVersion] = useState(0);
  const lines = useRef<LogLines | undefined>(undefined);
  const key = services.join('\n');
  useEffect(() => {
    const query = new URLSearchParams({ grep, run, stream: stderr ? 'stderr' : '' });
    for (const service of key.split('\n').filter(Boolean)) query.append('service', service);
    const read = new LogLines(query, () => setVersion((before) => before + 1));
    lines.current = read;
    setFound(undefined);
    setFollows(true);
    return () => read.close();
  }, [key, grep, run, stderr]);
  const search = expression(searched);
  const find = (step: 1 | -1) => {
    const held = lines.current;
    if (held === undefined || search === undefined || search === 'invalid') return;
    const last = held.dropped + held.rows.length - 1;
    const next = held.find(search, found === undefined ? last : found + step, step);
    if (next === undefined) return;
    setFollows(false);
    setFound(next);
  };
  return (
    <>
      <h1 class="unseen">Logs</h1>
      <div class="bar">
        <ServiceChoice chosen={services} />
        <form
          class="search"
          onSubmit={(event) => {
            event.preventDefault();
            find(-1);
          }}
        >
          <input
            type="search"
            aria-label="Search (a regular expression)"
            placeholder="Search"
            value={searched}
            onInput={(event) => {
              setSearched(event.currentTarget.value);
              setFound(undefined);
            }}
          />
          <button type="submit" aria-label="Previous match">
            ↑
          </button>
          <button type="button" aria-label="Next match" onClick={() => find(1)}>
            ↓
          </button>
        </form>
        <Filter value={grep} onChange={setGrep} />
        <Toggle pressed={run === 'previous'} onClick={() => setRun(run === '' ? 'previous' : '')}>
          Previous run
        </Toggle>
        <Toggle pressed={stderr} onClick={() => setStderr(!stderr)}>
          Errors only
        </Toggle>
        <Toggle pressed={times} onClick={() => setTimes(!times)}>
          Times
        </Toggle>
        <Toggle pressed={follows} onClick={() => setFollows(!follows)}>
          Follow
        </Toggle>
      </div>
      <p class="problem" role="status">
        {search === 'invalid' ? 'This is no regular expression.' : (lines.current?.problem ?? '')}
      </p>
      {lines.current !== undefined && (
        <LogList
          lines={lines.current}
          version={version}
          names={services.length !== 1}
          times={times}
          search={search === 'invalid' ? undefined : search}
          found={found}
          follows={follows}
          onFollow={setFollows}
        />
      )}
    </>
  );
}

interface ToggleProps {
  readonly pressed: boolean;
  readonly onClick: () => void;
  readonly children: string;
}

function Toggle({ pressed, onClick, children }: ToggleProps) {
  return (
    <button type="button" aria-pressed={pressed} onClick={onClick}>
      {children}
    </button>
  );
}

/** Applied with Enter: my_init reads the whole log again. */
function Filter({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  return (
    <input
      type="search"
      aria-label="Only lines that match (a regular expression; Enter applies)"
      placeholder="Only lines that match, ⏎"
      defaultValue={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function ServiceChoice({ chosen }: { readonly chosen: readonly string[] }) {
  const value = chosen.length > 1 ? 'several' : (chosen[0] ?? '');
  return (
    <select
      aria-label="Services"
      value={value}
      onChange={({ currentTarget }) => {
        location.hash = currentTarget.value === '' ? linkTo('logs') : linkTo('logs', currentTarget.value);
      }}
    >
      <option value="">All services</option>
      {chosen.length > 1 && <option value="several">{chosen.length} services</option>}
      {entries.value.map(({ host, service }) => (
        <option key={idOf(host, service.name)} value={idOf(host, service.name)}>
          {several.value ? `${service.name} on ${hosts.value[host]?.name}` : service.name}
        </option>
      ))}
      {hosts.value.map(({ name }, host) => (
        <option key={name} value={idOf(host, 'my_init')}>
          {several.value ? `my_init on ${name}` : 'my_init'}
        </option>
      ))}
    </select>
  );
}

function expression(text: string): RegExp | 'invalid' | undefined {
  if (text === '') return undefined;
  try {
    return new RegExp(text, /[A-Z]/.test(text) ? '' : 'i');
  } catch {
    return 'invalid';
  }
}
