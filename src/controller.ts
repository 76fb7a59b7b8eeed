import { writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { boot } from './container/boot/boot.js';
import { resume } from './container/boot/resume.js';
import { type Container, openContainer } from './container/container.js';
import { openRecords } from './container/open-records.js';
import { definitionPlaces } from './container/open-services.js';
import { COMPATIBILITY, ownCompatibility } from './container/reexec.js';
import { relaySignals } from './container/relay-signals.js';
import type { ContainerShutdown } from './container/shutdown/container-shutdown.js';
import { InitLink } from './process/init-link.js';
import { keepLastWords, standardError } from './process/last-words.js';
import { native } from './process/native.js';
import { EXIT } from './settings/exit-codes.js';
import { Messages } from './settings/messages.js';
import { type Settings, settingsOrExit } from './settings/settings.js';
import { WarnOnce } from './settings/warn-once.js';
import type { Records } from './state/records.js';
import { DEFINITION_RECORD } from './supervisor/definition/kept-definitions.js';
import { hasYaml, loadYamlReader } from './supervisor/definition/yaml-files.js';

/** Startup scripts that take longer are something people want to look at while they run. */
const LONG_BOOT_MS = 1_000;

/** A shutdown that is over by then is not made longer: nobody could look at it. */
const SHORT_END_MS = 200;

/** Too many open files, or a file of the installation that cannot be read, may be over by then. */
const RETRY_MS = 5_000;

const messages = new Messages();

async function main(): Promise<void> {
  nameProcess();
  if (process.env.MY_INIT_LINK !== '1') return startedByHand(process.argv.slice(2));

  ignoreSignals();
  const link = new InitLink();
  const handover = await link.handover();
  keepLastWords(link);
  native().endWhenBlocked();
  const settings = settingsOrExit(handover, messages);
  const first = handover.generation === 1;
  const opened = openRecords(link, handover);
  if (!first) await loadDefinitionReader(settings, opened.records);

  const container = openContainer(link, handover, settings, opened);
  const { shutdown } = container;
  reportRefusals(link);
  link.on('closed', () => endWithoutInit(shutdown));
  relaySignals(container);

  const booted = first ? boot(container) : resume(container);
  booted.catch(die);
  await Promise.race([booted, delay(LONG_BOOT_MS, undefined, { ref: false })]);
  await openControlPlane(container, booted);
}

function ignoreSignals(): void {
  // Without a listener, SIGUSR1 would open Node's inspector.
  process.on('SIGUSR1', () => {});
  // With `stty tostop` the kernel stops a process in the background that writes to the terminal,
  // unless it ignores this signal.
  native().ignoreSignal(constants.signals.SIGTTOU);
}

/** Commands that need no container. */
async function startedByHand([command, ...args]: readonly string[]): Promise<void> {
  switch (command) {
    case COMPATIBILITY:
      process.stdout.write(`${JSON.stringify(ownCompatibility())}\n`);
      break;
    case 'check': {
      const { check } = await import('./check/command.js');
      process.exitCode = check(args, process.env);
      break;
    }
    default:
      messages.error('The controller is started by my_init, not by hand.');
      process.exit(EXIT.usage);
  }
}

/**
 * Services are restored from their records at once: their definitions have to be readable by then,
 * also where the files are gone and the record alone has them.
 */
async function loadDefinitionReader(settings: Settings, records: Records): Promise<void> {
  const isKept = records.table(DEFINITION_RECORD).saved.size > 0;
  if (isKept || hasYaml(definitionPlaces(settings))) await loadYamlReader();
}

function reportRefusals(link: InitLink): void {
  const refusals = new WarnOnce((text) => messages.error(text));
  link.on('refused', (text) => refusals.say(`init refused an order: ${text}`));
}

/**
 * The services run without the control plane: when it cannot be loaded now, the controller neither
 * dies nor restarts.
 */
async function openControlPlane(container: Container, booted: Promise<void>): Promise<void> {
  const { shutdown } = container;
  if (shutdown.begun) await delay(SHORT_END_MS, undefined, { ref: false });
  while (!shutdown.over) {
    const loaded = await loadControlPlane();
    // Called once: parts that cannot be opened yet try again by themselves.
    if (loaded !== undefined) return shutdown.over ? undefined : loaded.openControlPlane(container, booted);
    await delay(RETRY_MS, undefined, { ref: false });
  }
}

/** Loaded only now, when the services run: gRPC, HTTP, metrics. */
async function loadControlPlane() {
  try {
    return await import('./control-plane.js');
  } catch (error) {
    messages.error(`svctl and probes get no answer: ${(error as Error).message}; next attempt in ${RETRY_MS / 1000} s`);
    return undefined;
  }
}

/** Somebody killed an init that is not PID 1: its processes must not be left behind. */
function endWithoutInit(shutdown: ContainerShutdown): void {
  if (shutdown.begun) return;
  const reason = 'init is gone';
  shutdown.begin({ code: EXIT.internal, reason, cause: { kind: 'shutdown', message: reason }, signal: 'SIGTERM' });
}

/** For ps and top: newer versions of Node name their process MainThread. */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'controller');
  } catch {
    // Without /proc nobody looks at it.
  }
}

/**
 * The next controller brings it into the log; where there is none, init brings it to standard
 * error.
 */
function die(error: unknown): never {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (standardError() === 2) messages.error(`The controller failed: ${words}`);
  else writeSync(2, `${words}\n`);
  process.exit(EXIT.internal);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
// Node itself would write them to descriptor 2, which is for last words.
process.on('warning', ({ name, message }) => messages.warn(`${name}: ${message}`));
main().catch(die);
