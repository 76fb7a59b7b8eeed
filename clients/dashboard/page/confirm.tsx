import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { commandLine, type Order, questionOf, VERBS, type Verb } from '../model/order.js';
import type { OrderAnswer, OrderRequest } from '../web/protocol.js';
import { send } from './server.js';
import { type Entry, hosts, lost } from './store.js';

interface Asked {
  readonly verb: Verb;
  readonly entries: readonly Entry[];
}

const asked = signal<Asked | undefined>(undefined);
const typed = signal({ signal: 'HUP', time: '15m', reason: '' });
const notes = signal<readonly string[]>([]);

/** One button for each order; nothing happens before it is confirmed. */
export function OrderButtons({ entries }: { readonly entries: readonly Entry[] }) {
  const isAllowed = lost.value === '' && entries.every(({ host }) => hosts.value[host]?.mayChange === true);
  if (hosts.value.every(({ mayChange }) => !mayChange)) return null;
  return (
    <fieldset class="orders">
      <legend class="unseen">Orders</legend>
      {VERBS.filter((verb) => fits(verb, entries)).map((verb) => (
        <button
          type="button"
          key={verb}
          class={verb === 'stop' ? 'danger' : ''}
          disabled={!isAllowed || entries.length === 0}
          onClick={() => {
            asked.value = { verb, entries };
          }}
        >
          {verb}
        </button>
      ))}
    </fieldset>
  );
}

function fits(verb: Verb, entries: readonly Entry[]): boolean {
  if (verb === 'release') return entries.some(({ service }) => service.held !== '');
  if (verb === 'reset') return entries.some(({ service }) => service.trouble);
  return true;
}

/** The question, with the command that does the same. */
export function Confirmation() {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asked.value;
  useEffect(() => {
    if (question === undefined) return;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>('input, .primary')?.focus();
  }, [question]);
  if (question === undefined) return null;
  const { verb, entries } = question;
  const order = orderOf(verb);
  const targets = [...new Set(entries.map(({ host }) => host))].map((host) => ({
    host,
    names: entries.filter((entry) => entry.host === host).map(({ service }) => service.name),
  }));
  const close = () => {
    asked.value = undefined;
  };
  const yes = async () => {
    close();
    notes.value = [`${questionOf(order, namesOf(entries)).slice(0, -1)} …`];
    try {
      notes.value = (await send<OrderAnswer>('/api/order', { order, targets } satisfies OrderRequest)).lines;
    } catch (error) {
      notes.value = [error instanceof Error ? error.message : String(error)];
    }
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="question">
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void yes();
        }}
      >
        <h2 id="question">{questionOf(order, namesOf(entries))}</h2>
        {entries.length > 1 && <p class="names">{namesOf(entries).join(', ')}</p>}
        <OrderInputs verb={verb} />
        <p class="faint">The same on a command line:</p>
        <pre class="command">
          {targets.map(({ host, names }) => commandLine(hosts.value[host]?.to ?? [], order, names)).join('\n')}
        </pre>
        <div class="answers">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={verb === 'stop' ? 'primary danger' : 'primary'}>
            {verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function OrderInputs({ verb }: { readonly verb: Verb }) {
  const input = (key: 'signal' | 'time' | 'reason', label: string) => (
    <label class="input">
      {label}
      <input
        value={typed.value[key]}
        onInput={(event) => {
          typed.value = { ...typed.value, [key]: event.currentTarget.value };
        }}
      />
    </label>
  );
  if (verb === 'signal') return input('signal', 'Signal (HUP, USR1, 15 …)');
  if (verb !== 'hold') return null;
  return (
    <>
      {input('time', 'For how long (15m, 2h)')}
      {input('reason', 'Why')}
    </>
  );
}

/** The outcome of the last order. */
export function Notes() {
  return (
    <output class={notes.value.length === 0 ? 'notes unseen' : 'notes'}>
      {notes.value.map((note) => (
        <span key={note}>{note}</span>
      ))}
      {notes.value.length > 0 && (
        <button
          type="button"
          aria-label="Dismiss"
          onClick={() => {
            notes.value = [];
          }}
        >
          ×
        </button>
      )}
    </output>
  );
}

function orderOf(verb: Verb): Order {
  const { signal: name, time, reason } = typed.value;
  if (verb === 'signal') return { verb, signal: name.trim() };
  if (verb === 'hold') return { verb, time: time.trim(), reason: reason.trim() };
  return { verb };
}

const namesOf = (entries: readonly Entry[]): readonly string[] => entries.map(({ service }) => service.name);
