import type { Messages } from '../settings/messages.js';
import type { LogLevel } from '../settings/options.js';
import { describeExit } from '../supervisor/describe-exit.js';
import { formatDuration } from '../text/duration.js';
import type { Hold, ServiceName, ServiceStatus, ServiceView, State } from '../types/service.js';

/** A line in the log for each change of a service that somebody should know of. */
export function reportChanges(services: ServiceView, messages: Messages): void {
  const held = new Map<ServiceName, Hold>();
  for (const { name, hold } of services.list()) if (hold) held.set(name, hold);
  services.subscribe(({ status, previousState, removed }) => {
    const { name, state, pid, hold } = status;
    const heldBefore = held.get(name);
    if (hold && !removed) held.set(name, hold);
    else held.delete(name);
    if (hold !== heldBefore) messages.info(`${name}: ${hold ? holdNews(hold) : 'the hold is over'}`);
    if (removed) messages.info(`${name}: is gone: it was removed`);
    else if (state !== previousState) {
      const news = newsOf(status, previousState);
      if (news) messages.say(news.level, `${name}: ${news.text}`);
      else messages.debug(`${name}: ${previousState} → ${state}${pid ? ` (pid ${pid})` : ''}`);
    }
  });
}

function holdNews({ sinceMs, untilMs, actor, reason }: Hold): string {
  const who = actor === '' ? '' : ` by ${actor}`;
  return `is held for ${formatDuration(untilMs - sinceMs)}${who}${reason === '' ? '' : `: ${reason}`}`;
}

/**
 * The message for a change that deserves one: trouble, a run that ended by itself, or the effect of
 * an order.
 */
function newsOf(status: ServiceStatus, previousState: State): { level: LogLevel; text: string } | undefined {
  const { state, trouble, cause, desired, lastExit } = status;
  if (state === 'failed' || state === 'backoff') return { level: 'warn', text: trouble };
  // A failure before another attempt was logged when its back-off began.
  if (state === 'starting' && previousState === 'finishing' && cause.kind === 'exit' && lastExit) {
    const success = lastExit.status.kind === 'exited' && lastExit.status.code === 0;
    const after = `after ${Math.round(lastExit.durationMs / 1000)} s`;
    // A run that does its work and ends is how some services work periodically.
    return {
      level: success ? 'debug' : 'warn',
      text: describeExit(lastExit.status, ` ${after} and is started again`),
    };
  }
  const who = cause.kind === 'sv' ? 'sv' : cause.actor;
  if (who === undefined || cause.kind === 'shutdown') return undefined;
  if (state === 'stopping')
    return { level: 'info', text: `is ${desired === 'down' ? 'stopped' : 'restarted'}, as asked by ${who}` };
  if (state === 'starting' && previousState !== 'finishing')
    return { level: 'info', text: `is started, as asked by ${who}` };
  return undefined;
}
