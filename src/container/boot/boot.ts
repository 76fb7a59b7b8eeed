import { closeSync } from 'node:fs';
import { environmentDescriptor } from '../../process/environment.js';
import { EXIT } from '../../settings/exit-codes.js';
import type { Container } from '../container.js';
import { endWithCommand } from '../main-command-end.js';
import { entriesOf, isScript, scriptAt } from '../scripts.js';
import { earlyServiceAt, startEarly } from './early-services.js';
import { watchStartup } from './startup.js';

const ENABLE_INSECURE_KEY = '/usr/sbin/enable_insecure_key';
const RC_LOCAL = '/etc/rc.local';
/** The main command writes to the container's output itself: what was said before it is to be there first, if it is being read. */
const FLUSH_MS = 200;

/** From nothing until everything runs: startup scripts, services, main command. Ends early when the container's end begins. */
export async function boot(container: Container): Promise<void> {
  container.link.ready();
  container.link.begin();
  await runStartupScripts(container);
  if (container.ending.begun) return;
  holdEnvironment(container);
  // From here on a death of the controller ends nothing: the next one starts what is not started yet.
  container.state.save({ phase: 'running' });
  // A startup script may have written definitions.
  await container.definitions.prepare();
  if (container.ending.begun) return;
  startServices(container);
  await startCommand(container);
}

async function runStartupScripts(container: Container): Promise<void> {
  const { settings, scripts, ending } = container;
  const { config, containerEnvironment } = settings;
  for (const path of startupScripts(settings)) {
    if (ending.begun) return;
    const service = earlyServiceAt(path, config.serviceDirectory);
    if (service !== undefined) {
      await startEarly(container, service);
      continue;
    }
    // What was asked for by an option has to exist and work.
    if (path !== ENABLE_INSECURE_KEY && !isScript(path, settings.messages)) continue;
    const trouble = await scripts.run(path, { timeoutMs: config.scriptTimeoutMs, stop: ending.signal });
    if (ending.begun) return;
    if (trouble !== '') {
      ending.begin({ code: EXIT.startupFailed, reason: trouble, cause: { kind: 'boot' }, signal: 'SIGTERM' });
      return;
    }
    containerEnvironment.refresh();
  }
}

function startupScripts({ line, config, messages }: Container['settings']): readonly string[] {
  return [
    ...(line.enableInsecureKey ? [ENABLE_INSECURE_KEY] : []),
    ...(line.skipStartupFiles
      ? []
      : [...entriesOf(config.startupDirectory, messages), ...scriptAt(RC_LOCAL, messages)]),
  ];
}

/** The environment as the startup scripts have left it is there for the next controller too. */
function holdEnvironment({ link, settings }: Container): void {
  const fd = environmentDescriptor(settings.containerEnvironment.current);
  link.hold('environment', fd);
  closeSync(fd);
}

function startServices({ settings, set, watch, state, ending }: Container): void {
  if (!settings.line.skipServices) watch.scan({ kind: 'boot' });
  watchStartup(set, state);
  // Watching the directories can wait until the first services run.
  if (!settings.line.skipServices) setImmediate(() => ending.begun || watch.start());
}

/** The main command, where there is to be one: started when what was said before it is written. */
export async function startCommand(container: Container): Promise<void> {
  const { command, settings, state, output, ending } = container;
  if (!command.wanted) return;
  settings.messages.info(`Running ${command.program}...`);
  await output.flush(FLUSH_MS);
  if (ending.begun) return;
  endWithCommand(container);
  command.start(settings.containerEnvironment.current);
  state.save({ commandPid: command.pid });
}
