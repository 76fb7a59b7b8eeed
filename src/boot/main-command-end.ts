import type { Container } from './container.js';
import { exitCodeOf } from './exit-codes.js';

/** When the main command ends, so does the container, with its code. */
export function endWithCommand({ command, state, ending }: Container): void {
  command.onEnd(({ status, message }) => {
    const code = exitCodeOf(status);
    ending.begin({ code, reason: message, cause: { kind: 'exit', message }, signal: 'SIGTERM' });
    state.save({ commandPid: 0 });
  });
}
