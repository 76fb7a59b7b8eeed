import { EXIT } from '../../settings/exit-codes.js';
import { VERSION } from '../../settings/version.js';
import { pidOf } from '../../supervisor/machine.js';
import { resumeScripts } from '../../supervisor/sv-commands.js';
import type { Container } from '../container.js';
import { endWithCommand } from '../main-command-end.js';
import { isHook } from '../shutdown/hooks.js';
import { startCommand } from './boot.js';
import { watchStartup } from './startup.js';

/** The log is not to be flooded by what a controller said at its end. */
const MAX_WORDS = 60;

/** Goes on where an earlier controller was when it died. */
export async function resume(container: Container): Promise<void> {
  const { link, previous, settings, state, lost, set, scripts, command, watch, ending } = container;
  report(container);
  const { phase, shutdown, commandPid } = state.now;
  reportLost(container);
  for (const service of set.services()) {
    service.resume();
    resumeScripts(set, service);
  }
  container.notifications.releaseRest();
  set.conditions.update();
  // A hook has its share of the shutdown; a startup script is of no use any more.
  scripts.takeOver((path) => (isHook(path) ? new AbortController().signal : ending.signal));
  endWithCommand(container);
  // Its end and that of the container are put on record together: before that it may be there without being on record.
  const pid = commandPid || lost.commandPid || (shutdown === undefined ? command.latePid : 0);
  if (pid !== 0) {
    command.adopt(pid);
    state.save({ commandPid: pid });
  }
  if (phase === 'booting') {
    const reason = `the controller ${previous?.end.text ?? 'ended'} during startup`;
    ending.begin({ code: EXIT.internal, reason, cause: { kind: 'boot' }, signal: 'SIGTERM' });
  } else if (shutdown !== undefined) {
    ending.resume(shutdown);
  } else if (state.lost && command.wanted && pid === 0) {
    const reason = 'the record of the container is lost, and nobody knows what became of the main command';
    ending.begin({ code: EXIT.internal, reason, cause: { kind: 'boot' }, signal: 'SIGTERM' });
  } else {
    if (!settings.line.skipServices) watch.start();
    watchStartup(set, state);
  }
  container.starts.forgetPrevious();
  link.ready();
  link.begin();
  if (pid === 0 && !ending.begun) await startCommand(container);
}

/** Services whose record is lost go on without their history; what nobody knows any more is not left running beside them. */
function reportLost({ lost, link, settings: { messages } }: Container): void {
  for (const { name, machine } of lost.services)
    messages.error(`${name}: its record is lost, and with it its history; its process ${pidOf(machine)} goes on`);
  for (const pid of lost.strangers) {
    messages.error(`The process ${pid} is on no record and nobody knows what it is: it is killed.`);
    void link.kill(-pid, 'SIGKILL');
    void link.kill(pid, 'SIGKILL');
  }
}

/** What is known of the end of the one before, with its last words. */
function report({ settings: { messages }, previous }: Container): void {
  if (previous === undefined) return;
  const { end, words } = previous;
  if (end.cause === 'reexec') {
    messages.info(`The controller ${end.text}, by version ${VERSION}; services are not touched.`);
    return;
  }
  messages.error(`The controller ${end.text} and was started again; services are not touched.`);
  for (const line of words.slice(0, MAX_WORDS)) messages.error(`  ${line}`);
  if (words.length > MAX_WORDS) messages.error(`  (and ${words.length - MAX_WORDS} lines more)`);
}
