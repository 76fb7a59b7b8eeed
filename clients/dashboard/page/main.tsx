import { render } from 'preact';
import { Boot } from './boot.js';
import { Confirmation, Notes } from './confirm.js';
import { Detail } from './detail.js';
import { Events } from './events.js';
import { Graph } from './graph.js';
import { Logs } from './logs.js';
import { Processes } from './processes.js';
import { linkTo, route } from './route.js';
import { Services } from './services.js';
import { follow, hosts, lost, readOnly, refused } from './store.js';
import { Timeline } from './timeline.js';
import './page.css';

type View = readonly [name: string, title: string, view: (parts: readonly string[]) => preact.ComponentChild];

const VIEWS: readonly View[] = [
  ['services', 'Services', () => <Services />],
  ['logs', 'Logs', (services) => <Logs services={services} />],
  ['timeline', 'Timeline', () => <Timeline />],
  ['graph', 'Dependencies', () => <Graph />],
  ['boot', 'Boot', () => <Boot />],
  ['processes', 'Processes', () => <Processes />],
  ['events', 'Events', () => <Events />],
];

/** Not in the list of views: opened from a service's name. */
const DETAIL: View = [
  'service',
  '',
  ([host, name = '']) => <Detail key={`${host}/${name}`} host={Number(host)} name={name} />,
];

function Page() {
  const [name = 'services', ...parts] = route.value;
  const view = [...VIEWS, DETAIL].find(([candidate]) => candidate === name)?.[2];
  return (
    <>
      <header>
        <a class="brand" href={linkTo('services')}>
          my_init
        </a>
        <nav aria-label="Views">
          {VIEWS.map(([target, title]) => (
            <a key={target} href={linkTo(target)} aria-current={target === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        {readOnly.value && <span class="tag">read-only</span>}
      </header>
      <Banner />
      <main>{view?.(parts)}</main>
      <Notes />
      <Confirmation />
    </>
  );
}

/** Why the page is not current. */
function Banner() {
  const problems = [
    refused.value === '' ? lost.value : `${refused.value}: open the URL that svctl dashboard prints`,
    ...hosts.value
      .filter(() => lost.value === '')
      .map(({ name, lost: why }) => (why === '' ? '' : `${name}: connection lost (${why}); trying again`)),
  ].filter(Boolean);
  return (
    <div role="alert" class={problems.length === 0 ? 'unseen' : 'banner'}>
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  );
}

render(<Page />, document.body);
void follow();
