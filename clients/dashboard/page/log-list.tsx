import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { clockTime } from '../../svctl/text/duration.js';
import type { LogRow } from '../web/protocol.js';
import type { LogLines } from './log-lines.js';
import { hosts } from './store.js';

/** Of each line, in pixels: page.css says the same. */
const ROW = 19;
const AROUND = 20;
const NAMES = 5;
/** A scroll so soon after a person's doing is that person's. */
const TOUCH_MS = 500;

export interface LogListProps {
  readonly lines: LogLines;
  /** Changes with each new line. */
  readonly version: number;
  readonly names: boolean;
  readonly times: boolean;
  readonly search: RegExp | undefined;
  /** The number of the line that the search has found. */
  readonly found: number | undefined;
  readonly follows: boolean;
  readonly onFollow: (follows: boolean) => void;
}

/** Draws only the lines that are in sight, however many there are. */
export function LogList({ lines, names, times, search, found, follows, onFollow, version }: LogListProps) {
  const box = useRef<HTMLElement>(null);
  const [top, setTop] = useState(0);
  const droppedBefore = useRef(0);
  // A view that grows or loses its oldest lines scrolls, too: only a person ends the following.
  const touchedMs = useRef(0);
  const touch = () => {
    touchedMs.current = performance.now();
  };
  const { rows, dropped } = lines;
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    if (follows) element.scrollTop = element.scrollHeight;
    // The lines on the screen stay in place while older lines are dropped.
    else if (dropped > droppedBefore.current) element.scrollTop -= (dropped - droppedBefore.current) * ROW;
    droppedBefore.current = dropped;
  }, [version, follows, dropped]);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || found === undefined) return;
    element.scrollTop = (found - dropped) * ROW - element.clientHeight / 2;
  }, [found, dropped]);
  const height = box.current?.clientHeight ?? 600;
  const from = Math.max(0, Math.floor(top / ROW) - AROUND);
  const shown = rows.slice(from, from + Math.ceil(height / ROW) + 2 * AROUND);
  return (
    <section
      ref={box}
      class="log mono"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it
      tabIndex={0}
      aria-label={`Log, ${rows.length} lines`}
      onWheel={touch}
      onTouchMove={touch}
      onPointerDown={touch}
      onKeyDown={touch}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        setTop(scrollTop);
        const isAtEnd = scrollTop + clientHeight >= scrollHeight - ROW;
        if (isAtEnd !== follows && performance.now() - touchedMs.current < TOUCH_MS) onFollow(isAtEnd);
      }}
    >
      <div class="all" style={{ height: `${rows.length * ROW}px` }}>
        <div style={{ transform: `translateY(${from * ROW}px)` }}>
          {shown.map((row, index) => (
            <Line
              key={dropped + from + index}
              row={row}
              names={names}
              times={times}
              search={search}
              isFound={found === dropped + from + index}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

interface LineProps {
  readonly row: LogRow;
  readonly names: boolean;
  readonly times: boolean;
  readonly search: RegExp | undefined;
  readonly isFound: boolean;
}

function Line({ row, names, times, search, isFound }: LineProps) {
  const { service, text } = row;
  const time = times && row.atMs > 0 && <span class="time">{clockTime(new Date(row.atMs))} </span>;
  if (row.kind !== 'line') {
    return (
      <div class={`line ${row.kind}`}>
        {time}
        {row.kind === 'gap' ? `${service} ${text}`.trim() : `── ${service} ${text}`}
      </div>
    );
  }
  const host = hosts.value.length > 1 ? `${hosts.value[row.host]?.name} ` : '';
  return (
    <div class={`line${row.stderr ? ' stderr' : ''}${isFound ? ' found' : ''}`}>
      {time}
      {names && <span class={`source source${hash(service) % NAMES}`}>{`${host}${service} `}</span>}
      <Marked text={text} search={search} />
    </div>
  );
}

function Marked({ text, search }: { readonly text: string; readonly search: RegExp | undefined }) {
  if (search === undefined) return <>{text}</>;
  const parts: (string | preact.VNode)[] = [];
  let end = 0;
  for (const match of text.matchAll(new RegExp(search.source, `${search.flags}g`))) {
    if (match[0] === '') continue;
    parts.push(text.slice(end, match.index), <mark key={match.index}>{match[0]}</mark>);
    end = match.index + match[0].length;
  }
  return <>{[...parts, text.slice(end)]}</>;
}

const hash = (text: string): number => [...text].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
