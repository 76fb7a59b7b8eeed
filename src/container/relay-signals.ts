import type { RelayedSignal } from '../process/init-link.js';
import { signalName } from '../process/signals.js';
import { EXIT, exitCodeOfSignal } from '../settings/exit-codes.js';
import { WarnOnce } from '../settings/warn-once.js';
import type { Container } from './container.js';

/** What signals to my_init do. The table is in docs/shutdown.md. */
export function relaySignals(container: Container): void {
  const { link, settings, state } = container;
  const said = new WarnOnce((text) => settings.messages.warn(text));
  link.on('ignored', (signal) => said.say(meansNothing(signalName(signal))));
  link.on('signal', (name) => {
    settings.messages.debug(`Received SIG${name}.`);
    // init keeps it until it is on record what comes of it: an earlier controller may have died between the two.
    if (state.now.shutdown?.untaken !== name) actOn(name, container, said);
    link.acknowledge(name);
    if (state.now.shutdown?.untaken === name) state.saveShutdown({ untaken: undefined });
  });
}

function actOn(name: RelayedSignal, container: Container, said: WarnOnce): void {
  const { command, ending, state, settings, watch } = container;
  const running = command.pid !== 0;
  switch (name) {
    case 'TERM':
    case 'INT':
    case 'PWR':
      end(name, container);
      break;
    case 'QUIT':
      if (running && !ending.begun) command.signal('SIGQUIT');
      else end(name, container);
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

/** Images inherit stop signals that their own server understood, such as WINCH of httpd: then a stop looks like a hang. */
const meansNothing = (signal: string): string =>
  `Received SIG${signal}, which does nothing here; TERM stops the container (STOPSIGNAL SIGTERM, docker run --stop-signal SIGTERM)`;

function end(name: 'TERM' | 'INT' | 'QUIT' | 'PWR', { command, ending, settings }: Container): void {
  if (ending.begun) {
    settings.messages.warn(`Received SIG${name} during the shutdown: not waiting any longer.`);
    ending.hurry();
    return;
  }
  ending.begin({
    // A command that runs says it better itself; one that was never started was ended by this signal.
    code: command.wanted ? exitCodeOfSignal(name) : EXIT.ok,
    reason: `SIG${name} was received`,
    cause: { kind: 'shutdown', message: `SIG${name} to my_init` },
    signal: name === 'PWR' ? 'SIGTERM' : `SIG${name}`,
    relayed: name,
  });
}
