import { INNER_KEYS, SERVICE } from '../../src/supervisor/definition/keys.js';
import type { Key, Keys } from '../../src/supervisor/definition/record-shape.js';

const SECTIONS = {
  'What it runs': ['command', 'type', 'description', 'tags', 'enabled'],
  'Start and readiness': ['depends_on', 'ready', 'start_timeout'],
  'User, directory and limits': ['user', 'group_add', 'working_dir', 'umask', 'nice', 'oom_score_adj', 'ulimits'],
  Environment: ['environment', 'env_file', 'pass_env'],
  Failure: [
    'restart',
    'success_exit_codes',
    'exit_rules',
    'restart_delay',
    'start_limit',
    'essential',
    'optional',
    'live',
    'memory_max',
  ],
  'Stop and reload': ['stop_signal', 'stop_grace_period', 'stop_command', 'reload'],
  'Replicas and log': ['replicas', 'schedule', 'log'],
} as const satisfies Record<string, readonly (keyof (typeof SERVICE)['keys'])[]>;

/** The text of docs/service-reference.md, from the table of keys. */
export function serviceReference(): string {
  const named = Object.values(SECTIONS).flat() as readonly string[];
  const missing = Object.keys(SERVICE.keys).filter((name) => !named.includes(name));
  if (missing.length > 0) throw new Error(`no section has ${missing.join(', ')}`);
  const keys: Keys = SERVICE.keys;
  const sections = Object.entries(SECTIONS).flatMap(([title, names]) => {
    const rows = names.flatMap((name) => row(name, keys[name]));
    return rows.length === 0 ? [] : [`## ${title}\n\n${table(rows)}`];
  });
  const inner = Object.entries(INNER_KEYS).flatMap(([name, of]) =>
    keys[name]?.later
      ? []
      : [`## Inside \`${name}\`\n\n${table(Object.entries(of).flatMap(([key, rule]) => row(key, rule)))}`],
  );
  const later = Object.entries(keys).flatMap(([name, rule]) => (rule.later ? [`\`${name}\``] : []));
  return [INTRODUCTION, ...sections, ...inner, ...(later.length > 0 ? [notYet(later)] : [])].join('\n\n').concat('\n');
}

const INTRODUCTION = `# Service reference

Every key of a service, in \`service.yaml\`, in \`services.yaml\` and in the files of \`services.d\`. [services.md](services.md) shows
how they are used. This page is generated from the table that the parser reads.

Durations are \`500ms\`, \`10s\`, \`2m\`, \`1m30s\` or \`1h\`; sizes \`65536\`, \`64k\`, \`512m\` or \`1g\`. An unknown key is an error; keys that
begin with \`x-\` are yours and ignored. \`\${VAR}\`, \`\${VAR:-default}\` and \`\${VAR:?message}\` are replaced with variables of the container,
\`$$\` is a dollar.`;

const notYet = (names: readonly string[]): string =>
  `## Not in this version\n\nThese keys are refused until they work: ${names.join(', ')}.`;

function row(name: string, rule: Key<unknown> | undefined): readonly string[] {
  if (rule === undefined || rule.later) return [];
  const { shape, about, default: value, otherwise, required, example } = rule;
  const fallback = required ? 'must be given' : (otherwise ?? (value === undefined ? '' : code(value)));
  const form = example === undefined ? shape.words : `${shape.words}: \`${example}\``;
  return [`| \`${name}\` | ${form} | ${fallback} | ${about} |`];
}

const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

const table = (rows: readonly string[]): string =>
  ['| key | form | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
