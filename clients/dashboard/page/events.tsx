import { signal } from '@preact/signals';
import { clockTime, dateTime } from '../../svctl/text/duration.js';
import { linkTo } from './route.js';
import { happenings, hosts, several } from './store.js';
import { State } from './words.js';

const SHOWN = 500;
const text = signal('');

/** The events of all services, the latest first. */
export function Events() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = happenings.value.filter((happening) =>
    words.every((word) => `${happening.service} ${happening.words}`.toLowerCase().includes(word)),
  );
  return (
    <>
      <div class="bar">
        <h1>Events</h1>
        <input
          type="search"
          aria-label="Filter events"
          placeholder="Filter"
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <span class="faint">{fitting.length} events</span>
      </div>
      <table>
        <thead>
          <tr>
            <th>Time</th>
            <th>Service</th>
            {several.value && <th>Host</th>}
            <th>Event</th>
          </tr>
        </thead>
        <tbody>
          {fitting
            .slice(-SHOWN)
            .reverse()
            .map(({ atMs, host, service, words: said, style }) => (
              <tr key={`${atMs} ${host} ${service} ${said}`}>
                <td class="at">
                  <span class="middle">{dateTime(new Date(atMs)).slice(0, 11)}</span>
                  {clockTime(new Date(atMs)).slice(0, 8)}
                </td>
                <td>
                  <a href={linkTo('service', host, service)}>{service}</a>
                </td>
                {several.value && <td>{hosts.value[host]?.name}</td>}
                <td class="said">
                  <State state={said} style={style} />
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </>
  );
}
