import {
  causeWords,
  desiredName,
  exitWords,
  fullState,
  holdWords,
  isInTrouble,
  stateStyle,
  troubleWords,
} from '../../svctl/phrases.js';
import type { Service } from '../../typescript/src/index.js';
import type { Span } from '../model/span.js';
import type { ServiceView } from './protocol.js';

/** A service as the page shows it: words, and times where the page counts on by itself. */
export function serviceView(service: Service, spans: readonly Span[]): ServiceView {
  const { lastExit, hold, startedAt, nextStartAt } = service;
  return {
    name: service.name,
    state: fullState(service),
    style: stateStyle(service),
    ready: service.ready,
    running: service.pid !== 0,
    trouble: isInTrouble(service),
    paused: service.paused,
    held: hold === undefined ? '' : holdWords(hold, Date.now()),
    troubleWords: troubleWords({ ...service, nextStartAt: undefined }, Date.now()),
    nextStartAtMs: nextStartAt?.getTime() ?? 0,
    startedAtMs: startedAt?.getTime() ?? 0,
    restarts: service.restartsTotal,
    failures: service.consecutiveFailures,
    lastExit: lastExit === undefined ? '' : exitWords(lastExit),
    lastExitAtMs: lastExit?.at?.getTime() ?? 0,
    pid: service.pid,
    run: service.run,
    runId: service.runId,
    desired: desiredName(service.desired),
    cause: causeWords(service),
    directory: service.directory,
    statusText: service.statusText,
    tags: service.tags,
    spans,
  };
}
