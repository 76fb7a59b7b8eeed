import { writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { boot } from './container/boot/boot.js';
import { resume } from './container/boot/resume.js';
import { type Container, makeContainer } from './container/container.js';
import { COMPATIBILITY, ownCompatibility } from './container/reexec.js';
import { relaySignals } from './container/relay-signals.js';
import { InitLink } from './process/init-link.js';
import { keepLastWords, standardError } from './process/last-words.js';
import { native } from './process/native.js';
import { EXIT } from './settings/exit-codes.js';
import { Messages } from './settings/messages.js';
import { settingsOrExit } from './settings/settings.js';
import { WarnOnce } from './settings/warn-once.js';
import { hasYaml, loadYamlReader } from './supervisor/definition/yaml-files.js';

/** Startup scripts that take longer are something people want to look at while they run. */
const LONG_BOOT_MS = 1_000;

/** An end that is over by then has nobody who could look at it, and is not made longer. */
const SHORT_END_MS = 200;

/** Too many open files, or a file of the installation that cannot be read, may be over by then. */
const RETRY_MS = 5_000;

const messages = new Messages();

async function main(): Promise<void> {
  nameProcess();
  // Without a listener, SIGUSR1 would open Node's inspector.
  process.on('SIGUSR1', () => {});
  if (process.env.MY_INIT_LINK !== '1') {
    if (process.argv[2] === COMPATIBILITY) {
      process.stdout.write(`${JSON.stringify(ownCompatibility())}\n`);
      return;
    }
    if (process.argv[2] === 'check') {
      const { check } = await import('./check/command.js');
      process.exitCode = check(process.argv.slice(3), process.env);
      return;
    }
    messages.error('The controller is started by my_init, not by hand.');
    process.exit(EXIT.usage);
  }
  const link = new InitLink();
  const handover = await link.handover();
  keepLastWords(link);
  native().endWhenBlocked();
  // With `stty tostop` the kernel stops a process in the background that writes to the terminal, unless it ignores this signal.
  native().ignoreSignal(constants.signals.SIGTTOU);
  const settings = settingsOrExit(handover, messages);
  const { servicesFile, serviceDirectory } = settings.config;
  // Services are restored from their records at once: their definitions have to be readable by then.
  if (handover.generation > 1 && hasYaml(servicesFile, serviceDirectory)) await loadYamlReader();
  const container = makeContainer(link, handover, settings);
  const refusals = new WarnOnce((text) => messages.error(text));
  link.on('refused', (text) => refusals.say(`init refused an order: ${text}`));
  link.on('closed', () => endWithoutInit(container));
  relaySignals(container);
  const booted = handover.generation === 1 ? boot(container) : resume(container);
  booted.catch(die);
  await Promise.race([booted, delay(LONG_BOOT_MS, undefined, { ref: false })]);
  await openControlPlane(container, booted);
}

/** The services run without it: that it cannot be loaded now is no reason to die and to be started again. */
async function openControlPlane(container: Container, booted: Promise<void>): Promise<void> {
  const { ending } = container;
  if (ending.begun) await delay(SHORT_END_MS, undefined, { ref: false });
  while (!ending.over) {
    const loaded = await loadControlPlane();
    // Called once: whatever cannot be opened yet is tried again by itself.
    if (loaded !== undefined) return ending.over ? undefined : loaded.openControlPlane(container, booted);
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

/** Somebody killed an init that is not PID 1: what it had under it is not to be left behind. */
function endWithoutInit({ ending }: Container): void {
  if (ending.begun) return;
  const reason = 'init is gone';
  ending.begin({ code: EXIT.internal, reason, cause: { kind: 'shutdown', message: reason }, signal: 'SIGTERM' });
}

/** For ps and top: newer versions of Node name their process MainThread. */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'controller');
  } catch {
    // Without /proc nobody looks at it.
  }
}

/** The next controller brings it into the log; where there is none, init brings it to standard error. */
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
