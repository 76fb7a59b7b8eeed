import type { InitLink } from '../../process/init-link.js';
import type { StartRegister } from '../../process/start-register.js';
import { EXIT } from '../../settings/exit-codes.js';
import type { Messages } from '../../settings/messages.js';
import { VERSION } from '../../settings/version.js';
import type { HeldDescriptors } from '../../supervisor/checks/held-descriptors.js';
import { pidOf } from '../../supervisor/machine.js';
import { resumeScripts } from '../../supervisor/sv-commands.js';
import type { ServiceName } from '../../types/service.js';
import type { EndOfPrevious } from '../controller-end.js';
import { endWithCommand } from '../main-command.js';
import type { ContainerShutdown } from '../shutdown/container-shutdown.js';
import { isHook } from '../shutdown/hooks.js';
import type { Unrecorded } from '../unrecorded.js';
import { type BootDependencies, startCommand } from './boot.js';
import { watchStartup } from './startup.js';

/** The last words of a controller must not flood the log. */
const MAX_WORDS = 60;

export interface ResumeDependencies extends BootDependencies {
  readonly previous: EndOfPrevious | undefined;
  readonly starts: StartRegister;
  readonly unrecorded: Unrecorded;
  readonly unfollowed: readonly ServiceName[];
  readonly notifications: HeldDescriptors;
  readonly shutdown: ContainerShutdown;
}

/** Goes on where an earlier controller was when it died. */
export async function resume(dependencies: ResumeDependencies): Promise<void> {
  const { link, previous, settings, state, starts, unrecorded, set, scripts, command, watch, shutdown } = dependencies;
  const { notifications, unfollowed } = dependencies;
  const { messages } = settings;
  if (previous !== undefined) report(previous, messages);
  const { phase, shutdown: shutdownRecord, commandPid } = state.now;
  reportUnrecorded(unrecorded, link, messages);
  for (const service of set.services()) {
    service.resume();
    resumeScripts(set, service);
  }
  notifications.releaseRest();
  set.conditions.resume(unfollowed);
  // A hook has its time in the shutdown; a startup script is of no use any more.
  scripts.adopt((path) => (isHook(path) ? new AbortController().signal : shutdown.signal));
  endWithCommand(command, state, shutdown);
  // The ends of the command and of the container are put on record together: before that the
  // command may be unrecorded.
  const pid = commandPid || unrecorded.commandPid || (shutdownRecord === undefined ? command.unrecordedPid : 0);
  if (pid !== 0) {
    command.adopt(pid);
    state.save({ commandPid: pid });
  }
  if (phase === 'booting') endAtBoot(shutdown, `the controller ${previous?.end.text ?? 'ended'} during startup`);
  else if (shutdownRecord !== undefined) shutdown.resume(shutdownRecord);
  else if (state.lost && command.wanted && pid === 0)
    endAtBoot(shutdown, 'the record of the container is lost, and nobody knows what became of the main command');
  else {
    if (!settings.line.skipServices) watch.start();
    watchStartup(set, state);
  }
  starts.forgetPrevious();
  link.ready();
  link.begin();
  if (pid === 0 && !shutdown.begun) await startCommand(dependencies);
}

const endAtBoot = (shutdown: ContainerShutdown, reason: string): void =>
  shutdown.begin({ code: EXIT.internal, reason, cause: { kind: 'boot' }, signal: 'SIGTERM' });

/**
 * Services whose record is lost continue without their history. Unknown processes are not left
 * running beside them.
 */
function reportUnrecorded({ services, unknownPids }: Unrecorded, link: InitLink, messages: Messages): void {
  for (const { name, machine } of services)
    messages.error(`${name}: its record is lost, and with it its history; its process ${pidOf(machine)} goes on`);
  for (const pid of unknownPids) {
    messages.error(
      `The process ${pid} is on no record (a check that was under way, or its record is lost): it is killed.`,
    );
    void link.kill(-pid, 'SIGKILL');
    void link.kill(pid, 'SIGKILL');
  }
}

/** Reports the end of the previous controller, with its last words. */
function report({ end, words }: EndOfPrevious, messages: Messages): void {
  if (end.cause === 'reexec') {
    messages.info(`The controller ${end.text}, by version ${VERSION}; services are not touched.`);
    return;
  }
  messages.error(`The controller ${end.text} and was started again; services are not touched.`);
  for (const line of words.slice(0, MAX_WORDS)) messages.error(`  ${line}`);
  if (words.length > MAX_WORDS) messages.error(`  (and ${words.length - MAX_WORDS} lines more)`);
}
