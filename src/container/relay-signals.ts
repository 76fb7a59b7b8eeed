import type { InitLink, RelayedSignal } from '../process/init-link.js';
import { signalName } from '../process/signals.js';
import { EXIT, exitCodeOfSignal } from '../settings/exit-codes.js';
import type { Settings } from '../settings/settings.js';
import { WarnOnce } from '../settings/warn-once.js';
import type { DirectoryWatch } from '../supervisor/directory-watch.js';
import type { ContainerState } from './container-state.js';
import type { MainCommand } from './main-command.js';
import type { ContainerShutdown } from './shutdown/container-shutdown.js';

export interface SignalDependencies {
  readonly link: InitLink;
  readonly settings: Settings;
  readonly state: ContainerState;
  readonly command: MainCommand;
  readonly watch: DirectoryWatch;
  readonly shutdown: ContainerShutdown;
}

/** Acts on the signals that my_init receives. The table is in docs/shutdown.md. */
export function relaySignals(dependencies: SignalDependencies): void {
  const { link, settings, state } = dependencies;
  const said = new WarnOnce((text) => settings.messages.warn(text));
  link.on('ignored', (signal) => said.say(meansNothing(signalName(signal))));
  link.on('signal', (name) => {
    settings.messages.debug(`Received SIG${name}.`);
    // init keeps a signal until its consequence is on record: an earlier controller may have died
    // between the two.
    const wasBegun = dependencies.shutdown.begun;
    if (state.now.shutdown?.unacknowledged !== name) actOn(name, dependencies, said);
    // A shutdown has acknowledged the signal that began it.
    if (dependencies.shutdown.begun && !wasBegun) return;
    link.acknowledge(name);
    if (state.now.shutdown?.unacknowledged === name) state.saveShutdown({ unacknowledged: undefined });
  });
}

function actOn(name: RelayedSignal, dependencies: SignalDependencies, said: WarnOnce): void {
  const { command, shutdown, state, settings, watch } = dependencies;
  const running = command.pid !== 0;
  switch (name) {
    case 'TERM':
    case 'INT':
    case 'PWR':
      end(name, dependencies);
      break;
    case 'QUIT':
      if (running && !shutdown.begun) command.signal('SIGQUIT');
      else end(name, dependencies);
      break;
    case 'HUP':
      if (running) command.signal('SIGHUP');
      else if (state.now.phase === 'running' && !settings.line.skipServices) void watch.rescan();
      break;
    case 'USR1':
    case 'USR2':
    case 'WINCH':
      if (running) command.signal(`SIG${name}`);
      else said.say(meansNothing(name));
      break;
    default:
      name satisfies never;
  }
}

/**
 * Images inherit stop signals that their own server understood, such as WINCH of httpd: then a stop
 * looks like a hang.
 */
const meansNothing = (signal: string): string =>
  `Received SIG${signal}, which does nothing here; TERM stops the container (STOPSIGNAL SIGTERM, docker run --stop-signal SIGTERM)`;

function end(name: 'TERM' | 'INT' | 'QUIT' | 'PWR', { command, shutdown, settings }: SignalDependencies): void {
  if (shutdown.begun) {
    settings.messages.warn(`Received SIG${name} during the shutdown: not waiting any longer.`);
    shutdown.killNow();
    return;
  }
  shutdown.begin({
    // A running command supplies its own exit code; a command that was never started counts as
    // ended by this signal.
    code: command.wanted ? exitCodeOfSignal(name) : EXIT.ok,
    reason: `SIG${name} was received`,
    cause: { kind: 'shutdown', message: `SIG${name} to my_init` },
    signal: name === 'PWR' ? 'SIGTERM' : `SIG${name}`,
    relayed: name,
  });
}
