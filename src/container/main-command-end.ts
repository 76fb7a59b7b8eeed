import { exitCodeOf } from '../settings/exit-codes.js';
import type { Container } from './container.js';

/** When the main command ends, so does the container, with its code. */
export function endWithCommand({ command, state, ending }: Container): void {
  command.onEnd(({ status, message }) => {
    const code = exitCodeOf(status);
    ending.begin({ code, reason: message, cause: { kind: 'exit', message }, signal: 'SIGTERM' });
    state.save({ commandPid: 0 });
  });
}
