/** Each row of "What the peers can say" in docs/policies.md, with real processes. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type MyInit, ServiceState } from '../../../clients/typescript/src/index.js';
import { TestContainer } from '../../helpers/container.js';
import { linesOf } from '../../helpers/lines-of.js';
import { peersTable, type ShownKeys } from '../../helpers/peers-table.js';
import { waitFor } from '../../helpers/wait-for.js';
import { ACTS, AT_ONCE, type Scenario, type Stage } from './acts.js';
import { CONTAINER_ENDS } from './container-ends.js';
import { ENDINGS, type Ending, FOLLOWING } from './endings.js';

const TABLE = peersTable();
const rowsOf = <T>(scenarios: Readonly<Record<string, T>>): readonly (readonly [string, T, ShownKeys])[] =>
  Object.entries(scenarios).map(([row, scenario]) => [row, scenario, TABLE.get(row) ?? {}]);

test('each row of the document has a scenario, and each scenario a row', () => {
  const shown = new Set([...Object.keys(FOLLOWING), ...Object.keys(ACTS), ...Object.keys(CONTAINER_ENDS)]);
  expect([...shown].sort()).toEqual([...TABLE.keys()].sort());
});

/** The YAML of a service; `$N` is the file that the service writes to. */
const yamlOf = (name: string, command: string, keys: Readonly<Record<string, string>>): string =>
  [
    `  ${name}:`,
    `    command: ${JSON.stringify(command)}`,
    ...Object.entries(keys).map(([key, value]) => `    ${key}: ${value}`),
  ]
    .join('\n')
    .replaceAll('$N', `\${OUT}/${name}`);

/** The keys that the document shows, some with a quicker value. */
function keysOf(
  row: string,
  shown: ShownKeys,
  scenario: Pick<Extract<Scenario, { command: string }>, 'instead' | 'also'>,
) {
  for (const key of Object.keys(scenario.instead ?? {})) if (!(key in shown)) throw new Error(`${row} has no ${key}`);
  return { ...shown, ...scenario.instead, ...scenario.also };
}

/** Makes a name for the service of a row. */
const nameOf = (row: string, suffix: string | number): string =>
  `${row.replace(/[^a-z0-9]+/gi, '-').replace(/-$/, '')}-${suffix}`;

let container: TestContainer;
let out: string;
let my: MyInit;

const written = (name: string): readonly string[] => {
  const file = join(out, name);
  return existsSync(file) ? linesOf(file) : [];
};

beforeAll(async () => {
  out = mkdtempSync('/tmp/my_init-out-');
  chmodSync(out, 0o777);
  const services: string[] = [];
  const directories: Record<string, Record<string, string>> = {};
  for (const [row, endings, shown] of rowsOf(FOLLOWING))
    for (const ending of Object.keys(endings) as Ending[]) {
      const command = `test -e $N && { echo run >> $N; exec sleep 1000; }; echo run > $N; ${ENDINGS[ending]}`;
      services.push(yamlOf(nameOf(row, ending), command, { ...AT_ONCE, ...shown }));
    }
  for (const [row, scenarios, shown] of rowsOf(ACTS))
    for (const [index, scenario] of scenarios.entries()) {
      const name = nameOf(row, index);
      if ('command' in scenario) services.push(yamlOf(name, scenario.command, keysOf(row, shown, scenario)));
      else directories[name] = filesOf(name, scenario.files);
    }
  container = await TestContainer.boot({
    etc: { 'my_init/services.yaml': `services:\n${services.join('\n')}\n` },
    services: directories,
    env: { OUT: out },
  });
  my = connect(container.socket);
});

afterAll(async () => {
  my?.close();
  await container?.dispose();
  rmSync(out, { recursive: true });
});

/** Adds what scripts of a directory need; other files stay as they are. */
const filesOf = (name: string, files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).map(([file, text]) => [
      file,
      file === 'run' || file === 'finish'
        ? `#!/bin/sh\n${text.replaceAll('$$', '$').replaceAll('$N', `$OUT/${name}`)}\n`
        : text,
    ]),
  );

const STATES = {
  completed: ServiceState.SERVICE_STATE_COMPLETED,
  failed: ServiceState.SERVICE_STATE_FAILED,
} as const;

describe('the end of a run', () => {
  test.each(rowsOf(FOLLOWING))('%s', async (row, endings) => {
    for (const [ending, following] of Object.entries(endings)) {
      const name = nameOf(row, ending);
      const runs = following === 'again' ? 2 : 1;
      const service = await waitFor(`${row}: ${following} after ${ending}`, async () => {
        const now = await my.service(name);
        const isThere =
          following === 'again' ? now.run === 2 && written(name).length === 2 : now.state === STATES[following];
        return isThere && now;
      });
      expect({ ending, run: service.run, runs: written(name).length }).toEqual({ ending, run: runs, runs });
    }
  });
});

describe('a service', () => {
  const scenarios = rowsOf(ACTS).flatMap(([row, all]) => all.map((scenario, index) => [row, index, scenario] as const));

  test.each(scenarios)('%s (%i)', async (row, index, scenario) => {
    const name = nameOf(row, index);
    const file = (suffix: string): string => join(out, `${name}.${suffix}`);
    const stage: Stage = {
      name,
      until: (holds) =>
        waitFor(row, async () => {
          const service = await my.service(name);
          return holds(service) && service;
        }),
      lines: (count) => waitFor(`${row}: ${count} lines`, () => written(name).length >= count && written(name)),
      isThere: (suffix) => waitFor(`${row}: ${suffix}`, () => existsSync(file(suffix))),
      touch: (suffix) => writeFileSync(file(suffix), ''),
      remove: (suffix) => rmSync(file(suffix)),
      svctl: async (...args) => {
        const { code, stdout, stderr } = await container.svctl(...args);
        if (code !== 0) throw new Error(`svctl ${args.join(' ')}: ${stderr}`);
        return stdout;
      },
    };
    await scenario.act(stage);
  });
});

test('rows that end the container, and its exit code', async () => {
  const ends = rowsOf(CONTAINER_ENDS).flatMap(([row, all, shown]) => all.map((end) => ({ row, end, shown })));
  const codes = await Promise.all(
    ends.map(async ({ row, end, shown }) => {
      const text = yamlOf('web', end.command, keysOf(row, shown, end));
      const etc = { 'my_init/services.yaml': `services:\n${text}\n` };
      const ending = await TestContainer.boot({ etc, unattended: true });
      try {
        return { row, code: await ending.exit };
      } finally {
        await ending.dispose();
      }
    }),
  );
  expect(codes).toEqual(ends.map(({ row, end: { code } }) => ({ row, code })));
});
