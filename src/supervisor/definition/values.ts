/** Values that several keys have: signals, names, paths, commands. */

import { parseSignal } from '../../process/signals.js';
import type { ServiceName } from '../../types/service.js';
import { isServiceName } from '../service-directory.js';
import { anyText, list, mapped, type Shape, text } from './shapes.js';

const SIGNALS =
  'ABRT ALRM BUS CHLD CONT FPE HUP ILL INT IO KILL PIPE PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ';

const SIGNAL = new RegExp(`^(SIG)?(${SIGNALS.replaceAll(' ', '|')})$`);

/** A signal by its name, with or without SIG. */
export const signalOf = (name: string): NodeJS.Signals | undefined =>
  SIGNAL.test(name) ? parseSignal(name) : undefined;

export const signal: Shape<NodeJS.Signals> = mapped(text({ words: 'a signal like TERM', pattern: SIGNAL }), signalOf);

export const restartOrSignal: Shape<'restart' | NodeJS.Signals> = mapped(
  text({ words: 'restart, or a signal like USR1', pattern: new RegExp(`^restart$|${SIGNAL.source}`) }),
  (word) => (word === 'restart' ? word : signalOf(word)),
);

export const SERVICE_NAME = { pattern: /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, words: 'the name of a service' };

export const serviceName: Shape<ServiceName> = mapped(text(SERVICE_NAME), (name) =>
  isServiceName(name) ? name : undefined,
);

export const absolutePath = text({ words: 'an absolute path', pattern: /^\// });

export const argv = list(anyText('a word'), { least: 1, words: 'a list of a program and its arguments' });
