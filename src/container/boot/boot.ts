import { closeSync } from 'node:fs';
import type { ContainerOutput } from '../../logs/forward/container-output.js';
import { monotonicMs } from '../../process/clock.js';
import { environmentDescriptor } from '../../process/environment.js';
import type { InitLink } from '../../process/init-link.js';
import { EXIT } from '../../settings/exit-codes.js';
import { SERVICES_FILE } from '../../settings/options.js';
import type { Settings } from '../../settings/settings.js';
import type { DefinitionFiles } from '../../supervisor/definition/definition-files.js';
import { servicesFiles } from '../../supervisor/definition/yaml-files.js';
import type { DirectoryWatch } from '../../supervisor/directory-watch.js';
import type { ServiceSet } from '../../supervisor/service-set.js';
import { CUT_SHORT_REMEDY, cutShort } from '../../supervisor/stop-times.js';
import type { ShutdownSwitch } from '../container-end.js';
import type { ContainerState } from '../container-state.js';
import { endWithCommand, type MainCommand } from '../main-command.js';
import type { ScriptRunner } from '../script-runner.js';
import { entriesOf, isScript, scriptAt } from '../scripts.js';
import { servicesTime } from '../shutdown/shutdown-plan.js';
import type { BootScripts } from './boot-scripts.js';
import { earlyServiceAt, startEarly } from './early-services.js';
import { watchStartup } from './startup.js';

const ENABLE_INSECURE_KEY = '/usr/sbin/enable_insecure_key';
const RC_LOCAL = '/etc/rc.local';
/** Bounded, in case nobody reads the container's output. */
const FLUSH_MS = 200;

export interface CommandDependencies {
  readonly settings: Settings;
  readonly state: ContainerState;
  readonly output: ContainerOutput;
  readonly command: MainCommand;
  readonly shutdown: ShutdownSwitch;
}

export interface BootDependencies extends CommandDependencies {
  readonly link: InitLink;
  readonly scripts: ScriptRunner;
  readonly set: ServiceSet;
  readonly watch: DirectoryWatch;
  readonly definitions: DefinitionFiles;
  readonly bootScripts: BootScripts;
}

/**
 * From nothing until everything runs: startup scripts, services, main command. Ends early when the
 * shutdown begins.
 */
export async function boot(dependencies: BootDependencies): Promise<void> {
  const { link, settings, state, definitions, shutdown } = dependencies;
  link.ready();
  link.begin();
  state.save({ controllerReadyAtMs: monotonicMs() });
  await runStartupScripts(dependencies);
  if (shutdown.begun) return;
  holdEnvironment(link, settings);
  // From here on a controller may die without harm: the next one starts the rest.
  state.save({ phase: 'running', scriptsEndedAtMs: monotonicMs() });
  // A startup script may have written definitions.
  await definitions.prepare();
  if (shutdown.begun) return;
  startServices(dependencies);
  await startCommand(dependencies);
}

async function runStartupScripts(dependencies: BootDependencies): Promise<void> {
  const { settings, scripts, bootScripts, shutdown } = dependencies;
  const { config, containerEnvironment, messages } = settings;
  for (const path of startupScripts(settings)) {
    if (shutdown.begun) return;
    const service = earlyServiceAt(path, config.serviceDirectory);
    if (service !== undefined) {
      await startEarly(service, dependencies);
      continue;
    }
    // The script of --enable-insecure-key has to exist and work, because an option asked for it.
    if (path !== ENABLE_INSECURE_KEY && !isScript(path, messages)) continue;
    const options = { timeoutMs: config.scriptTimeoutMs, stop: shutdown.signal };
    const trouble = await bootScripts.record(path, () => scripts.run(path, options));
    if (shutdown.begun) return;
    if (trouble !== '') {
      shutdown.begin({ code: EXIT.startupFailed, reason: trouble, cause: { kind: 'boot' }, signal: 'SIGTERM' });
      return;
    }
    containerEnvironment.refresh();
  }
}

function startupScripts({ line, config, messages }: Settings): readonly string[] {
  return [
    ...(line.enableInsecureKey ? [ENABLE_INSECURE_KEY] : []),
    ...(line.skipStartupFiles
      ? []
      : [...entriesOf(config.startupDirectory, messages), ...scriptAt(RC_LOCAL, messages)]),
  ];
}

/** Keeps the environment, as the startup scripts have left it, for the next controller. */
function holdEnvironment(link: InitLink, { containerEnvironment }: Settings): void {
  const fd = environmentDescriptor(containerEnvironment.current);
  link.hold('environment', fd);
  closeSync(fd);
}

function startServices({ settings, set, watch, state, shutdown }: BootDependencies): void {
  if (!settings.line.skipServices) {
    warnOfMissingFile(settings);
    watch.scan({ kind: 'boot' });
  }
  for (const { message } of cutShort(
    set.services().map(({ definition }) => definition),
    servicesTime(settings.config),
  ))
    settings.messages.warn(`${message} (${CUT_SHORT_REMEDY})`);
  watchStartup(set, state);
  // Watching the directories can wait until the first services run.
  if (!settings.line.skipServices) setImmediate(() => shutdown.begun || watch.start());
}

/** A startup script may have written the file, and a volume may bring it later. */
function warnOfMissingFile({ config: { servicesFile }, messages }: Settings): void {
  if (servicesFile !== SERVICES_FILE && servicesFiles(servicesFile).length === 0)
    messages.warn(`${servicesFile} (--services) does not exist; my_init reads the file as soon as it does`);
}

/**
 * Starts the main command, if there is one. The command shares the container's output: earlier
 * messages are flushed first.
 */
export async function startCommand(dependencies: CommandDependencies): Promise<void> {
  const { command, settings, state, output, shutdown } = dependencies;
  if (!command.wanted) return;
  settings.messages.info(`Running ${command.program}...`);
  await output.flush(FLUSH_MS);
  if (shutdown.begun) return;
  endWithCommand(command, state, shutdown);
  command.start(settings.containerEnvironment.current);
  state.save({ commandPid: command.pid });
}
