import { useEffect, useState } from 'preact/hooks';
import type { BootAnswer } from '../web/protocol.js';
import { useAnswer } from './asked.js';
import { HostChoice } from './host-choice.js';
import { hosts } from './store.js';

/** The boot of a container, and the steps that its readiness waited for. */
export function Boot() {
  const [host, setHost] = useState(0);
  const bootedAtMs = hosts.value[host]?.bootedAtMs;
  const { answer, problem } = useAnswer<BootAnswer>('/api/boot', { host: String(host) }, bootedAtMs);
  const picture = usePicture(answer?.svg);
  return (
    <>
      <div class="bar">
        <h1>Boot</h1>
        <HostChoice host={host} onChange={setHost} />
        <span>{answer?.words}</span>
      </div>
      {problem !== undefined && <p class="why">{problem}</p>}
      {picture !== undefined && (
        <section
          class="scrolls"
          aria-label="Timeline of the boot"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it
          tabIndex={0}
        >
          <img class="card picture" src={picture} alt={`Timeline of the boot: ${answer?.words}`} />
        </section>
      )}
      <table>
        <thead>
          <tr>
            <th>Step</th>
            <th class="wide">Waited</th>
            <th class="number">Started</th>
            <th class="number">Ended</th>
            <th>Outcome</th>
          </tr>
        </thead>
        <tbody>
          {answer?.steps.map(({ name, waited, started, ended, outcome, critical }) => (
            <tr key={name}>
              <td>
                {name}
                {critical && <span class="tag">critical path</span>}
              </td>
              <td class="wide">{waited || '–'}</td>
              <td class="number">{started}</td>
              <td class="number">{ended}</td>
              <td class={outcome === 'failed' ? 'outcome bad' : 'outcome'}>{outcome}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** As an image, in which nothing runs. */
function usePicture(svg: string | undefined): string | undefined {
  const [url, setUrl] = useState<string | undefined>(undefined);
  useEffect(() => {
    if (svg === undefined) return;
    const made = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [svg]);
  return url;
}
