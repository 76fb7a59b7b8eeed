/** Values of the keys that say how the process is set up: environment, user, limits. */

import { key, record } from './record-shape.js';
import { anyText, either, flag, list, mapped, parsed, type Shape, table, text } from './shapes.js';
import { absolutePath } from './values.js';

const VARIABLE_NAME = { pattern: /^[^=\0]+$/, words: 'the name of a variable' };

export const environment: Shape<ReadonlyMap<string, string>> = either(
  table(anyText(), VARIABLE_NAME),
  mapped(
    list(text({ words: 'a text like NAME=VALUE', pattern: /^[^=]+=/ }), { words: 'a list of NAME=VALUE' }),
    (lines) => new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])),
  ),
);

export const envFile = either(
  mapped(absolutePath, (path) => [{ path, required: true }]),
  list(
    either(
      mapped(absolutePath, (path) => ({ path, required: true })),
      record(
        {
          path: key(absolutePath, 'The file.', { required: true }),
          required: key(flag(), 'false: the file may be missing.', { default: true }),
        },
        'an env_file',
      ),
    ),
    { words: 'a list of files' },
  ),
);

const NAME_OR_ID = /^[A-Za-z_0-9][A-Za-z0-9_.-]*\$?(:[A-Za-z_0-9][A-Za-z0-9_.-]*\$?)?$/;

export const user = parsed('a user like www-data, 1000 or app:staff', (name) =>
  NAME_OR_ID.test(name) ? name : undefined,
);

export const group = parsed('a group like audio or 44', (name) =>
  NAME_OR_ID.test(name) && !name.includes(':') ? name : undefined,
);

/** In YAML 1.2, 022 is twenty-two: the digits are read as they are written. */
export const umask = parsed('an octal number like 022', (digits) =>
  /^(0o)?[0-7]{1,4}$/.test(digits) ? Number.parseInt(digits.replace('0o', ''), 8) : undefined,
);

const LIMITS =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack as'.split(' ');

const limit = parsed('a number or unlimited', (value) => {
  if (value === 'unlimited' || value === '-1') return Number.POSITIVE_INFINITY;
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
});

export const ulimits = table(
  either(
    mapped(limit, (value) => ({ soft: value, hard: value })),
    mapped(
      record(
        {
          soft: key(limit, 'The limit in force.', { required: true }),
          hard: key(limit, 'How far the service may raise it.', { required: true }),
        },
        'a limit',
      ),
      (both, path, node, reading) =>
        both.soft <= both.hard
          ? both
          : reading.fail('wrong-value', path, node.at, `${path}: soft is more than hard`, 'raise hard, or lower soft'),
    ),
  ),
  { pattern: new RegExp(`^(${LIMITS.join('|')})$`), known: LIMITS, words: `one of ${LIMITS.join(', ')}` },
);
