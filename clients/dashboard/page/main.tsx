import { render } from 'preact';
import { Confirmation, Notes } from './confirm.js';
import { linkTo, route } from './route.js';
import { Services } from './services.js';
import { follow, hosts, lost, readOnly, refused } from './store.js';
import { Timeline } from './timeline.js';
import './page.css';

const VIEWS: readonly (readonly [name: string, title: string, view: () => preact.ComponentChild])[] = [
  ['services', 'Services', () => <Services />],
  ['timeline', 'Timeline', () => <Timeline />],
];

function Page() {
  const [name = 'services'] = route.value;
  const view = VIEWS.find(([candidate]) => candidate === name)?.[2];
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
      <main>{view?.()}</main>
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
