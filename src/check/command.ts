/** `my_init check`: judges service definitions without starting anything. */

import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { servicesTime } from '../container/shutdown/shutdown-plan.js';
import { EXIT } from '../settings/exit-codes.js';
import { SERVICES_FILE } from '../settings/options.js';
import { UsageError } from '../settings/usage-error.js';
import type { DefaultTimes, Problem } from '../supervisor/definition/definition.js';
import type { ShutdownTimes } from '../supervisor/stop-times.js';
import { nearest } from '../text/nearest-name.js';
import { type Collected, collectPath, collectPlaces, filesAt, together, UnusablePath } from './collect.js';
import { Judge } from './judge.js';
import { judgeTogether } from './judge-together.js';
import { FORMATS, type Format, formatReport } from './output.js';
import { Root } from './root.js';

const HELP = `Usage: my_init check [OPTIONS] [PATH...]

Checks service definitions without starting anything: for a RUN in a Dockerfile, and for CI. A PATH is a service directory, a
directory of them, service.yaml, or a file of services. Without a PATH, checks everything that my_init would find.

  --root DIR          check another root file system
  -o, --output FORM   text, json, or github for annotations of GitHub Actions (text)
  --strict            treat warnings as errors
  --service-dir DIR   the services directory (/etc/service)
  --services FILE     the file of services (/etc/my_init/services.yaml)
  -h, --help          show this help

Exit codes: 0 no errors, 1 errors, 2 wrong usage.
`;

interface Options {
  readonly root: string;
  readonly format: Format;
  readonly strict: boolean;
  readonly serviceDirectory: string;
  readonly servicesFile: string;
  /** Places that options name have to exist. */
  readonly named: { readonly directory: string | undefined; readonly file: string | undefined };
  readonly paths: readonly string[];
}

/** As with the options of my_init: docs/options.md. */
const TIMES: DefaultTimes = { stopMs: 30_000, finishMs: 5_000, scriptMs: 30_000 };
const SHUTDOWN_SECONDS = 8;
const NO_LIMITS = { killProcessTimeoutMs: undefined, killAllTimeoutMs: undefined };

/** Writes the report to standard output and answers the exit code. */
export function check(words: readonly string[], environment: NodeJS.ProcessEnv): number {
  try {
    const options = parse(words, environment);
    if (options === undefined) {
      process.stdout.write(HELP);
      return EXIT.ok;
    }
    const seconds = Number(environment.MY_INIT_SHUTDOWN_TIMEOUT) || SHUTDOWN_SECONDS;
    const { services, problems } = judge(options, servicesTime({ ...NO_LIMITS, shutdownTimeoutMs: seconds * 1_000 }));
    process.stdout.write(formatReport(options.format, { services, problems: problems.map(shown(options.root)) }));
    const isWrong = ({ severity }: Problem): boolean => options.strict || severity === 'error';
    return problems.some(isWrong) ? 1 : EXIT.ok;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof UnusablePath)) throw error;
    process.stderr.write(`my_init check: ${error.message}\n`);
    return EXIT.usage;
  }
}

function judge(
  options: Options,
  shutdown: ShutdownTimes,
): { readonly services: number; readonly problems: readonly Problem[] } {
  const root = new Root(options.root);
  refuseMissing(options, root);
  const serviceDirectory = root.named(options.serviceDirectory);
  const everything = collectPlaces({ serviceDirectory, servicesFile: root.named(options.servicesFile) }, root, TIMES);
  const named: Collected =
    options.paths.length === 0
      ? everything
      : options.paths.map((path) => collectPath(root.named(path), root, TIMES)).reduce(together);
  const judge = new Judge(root);
  const readable = [...named.services.values()].filter(({ problems }) => problems.length === 0);
  const all = new Map([...everything.services, ...named.services].map(([name, { definition }]) => [name, definition]));
  const problems = [
    ...named.problems,
    ...[...named.services.values()].flatMap((service) => service.problems),
    ...readable.flatMap(({ definition }) => judge.judge(definition)),
    ...judgeTogether(
      readable.map(({ definition }) => definition),
      all,
      shutdown,
    ),
  ];
  return { services: named.services.size, problems: problems.toSorted(byPlace) };
}

/** Drop-ins are enough: the file that they lie beside need not exist. */
function refuseMissing({ named: { directory, file } }: Options, root: Root): void {
  if (directory !== undefined && !existsSync(root.locate(root.named(directory))))
    throw new UnusablePath(`${directory} does not exist`);
  if (file !== undefined && filesAt(root.named(file), root).length === 0)
    throw new UnusablePath(`${file} does not exist`);
}

/** Files as they are found from here: annotations of GitHub take no other paths. */
const shown =
  (root: string) =>
  (problem: Problem): Problem => {
    const absolute = join(resolve(root), problem.origin.file);
    const below = relative(process.cwd(), absolute);
    return { ...problem, origin: { ...problem.origin, file: below.startsWith('..') ? absolute : below || '.' } };
  };

const byPlace = (a: Problem, b: Problem): number =>
  a.origin.file === b.origin.file ? a.origin.line - b.origin.line : a.origin.file < b.origin.file ? -1 : 1;

const VALUES = ['root', 'output', 'service-dir', 'services'] as const;
const WORDS = [...VALUES, 'strict', 'help'];

/** undefined: help is wanted. */
function parse(words: readonly string[], environment: NodeJS.ProcessEnv): Options | undefined {
  const values = new Map<string, string>();
  const paths: string[] = [];
  let strict = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      paths.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith('-')) {
      paths.push(word);
      continue;
    }
    const [, name = '', , inline] = /^--([^=]*)(=(.*))?$/s.exec(word) ?? [];
    if (word === '-h' || word === '--help') return undefined;
    if (word === '--strict') strict = true;
    else if (word === '-o' || VALUES.some((known) => known === name)) {
      const value = inline ?? words[++at];
      if (value === undefined) throw new UsageError(`${word} needs a value; see my_init check --help`, EXIT.usage);
      values.set(word === '-o' ? 'output' : name, value);
    } else {
      const near = nearest(name, WORDS);
      throw new UsageError(
        `there is no option ${word}; ${near ? `did you mean --${near}?` : 'see my_init check --help'}`,
        EXIT.usage,
      );
    }
  }
  const output = values.get('output') ?? 'text';
  const format = FORMATS.find((known) => known === output);
  if (format === undefined)
    throw new UsageError(`--output must be one of ${FORMATS.join(', ')}, not "${output}"`, EXIT.usage);
  return {
    root: values.get('root') ?? '/',
    format,
    strict,
    serviceDirectory: values.get('service-dir') ?? environment.MY_INIT_SERVICE_DIR ?? '/etc/service',
    servicesFile: values.get('services') ?? environment.MY_INIT_SERVICES ?? SERVICES_FILE,
    named: { directory: values.get('service-dir'), file: values.get('services') },
    paths,
  };
}
