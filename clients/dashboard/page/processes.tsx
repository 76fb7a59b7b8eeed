import { useEffect, useState } from 'preact/hooks';
import { roughSpan } from '../../svctl/text/duration.js';
import type { ProcessesAnswer, ProcessView } from '../web/protocol.js';
import { useAnswer } from './asked.js';
import { HostChoice } from './host-choice.js';
import { nowMs } from './store.js';
import { bytesWords } from './words.js';

const AGAIN_MS = 3000;

/** The processes of a container; which services leave orphans and zombies behind. */
export function Processes() {
  const [host, setHost] = useState(0);
  const [count, setCount] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setCount((before) => before + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const { answer, problem } = useAnswer<ProcessesAnswer>('/api/processes', { host: String(host) }, count);
  const processes = answer?.processes ?? [];
  return (
    <>
      <div class="bar">
        <h1>Processes</h1>
        <HostChoice host={host} onChange={setHost} />
        <span>{summary(processes, answer?.reaped)}</span>
      </div>
      {problem !== undefined && <p class="why">{problem}</p>}
      <table>
        <thead>
          <tr>
            <th class="number">Pid</th>
            <th class="number wide">Parent</th>
            <th>Name</th>
            <th>Service</th>
            <th class="middle">Role</th>
            <th class="number">Memory</th>
            <th class="number middle">CPU time</th>
            <th class="number">Age</th>
          </tr>
        </thead>
        <tbody>
          {processes.map((process) => (
            <tr key={process.pid} class={process.state === 'Z' ? 'trouble' : ''}>
              <td class="number">{process.pid}</td>
              <td class="number wide">{process.parent}</td>
              <td>
                {process.name}
                {process.orphan && <span class="tag">orphan</span>}
              </td>
              <td>{process.service || '–'}</td>
              <td class="middle">{process.role}</td>
              <td class="number">{bytesWords(process.memory)}</td>
              <td class="number middle">{process.cpuSeconds.toFixed(1)} s</td>
              <td class="number">{process.startedAtMs === 0 ? '–' : roughSpan(nowMs.value - process.startedAtMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** `42 processes; orphans: 2 of leaky; 317 zombies reaped since boot`. */
function summary(processes: readonly ProcessView[], reaped: string | undefined): string {
  if (reaped === undefined) return '';
  const counts = new Map<string, number>();
  for (const { service, orphan } of processes) {
    if (orphan) counts.set(service || 'no service', (counts.get(service || 'no service') ?? 0) + 1);
  }
  const orphans = [...counts].map(([service, count]) => `${count} of ${service}`).join(', ') || 'none';
  return `${processes.length} processes; orphans: ${orphans}; ${reaped} reaped since boot`;
}
