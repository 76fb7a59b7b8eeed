import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { MyInit } from '../../../clients/typescript/src/index.js';
import { Definitions, Init, Logs, Services } from '../../../clients/typescript/src/methods.js';

const text = (path: string): string => readFileSync(path, 'utf8');

/** The table in docs/clients.md: methods of the API, of TypeScript and Python, of Go. */
const ROWS = [...text('docs/clients.md').matchAll(/^\| `([\w.]+\.[^|]+)\|([^|]+)\|([^|]+)\|$/gm)].map((row) =>
  row.slice(1).map((cell) => [...`\`${cell}`.matchAll(/`([\w.]+)`/g)].map(([, word]) => word ?? '')),
);

test('the table of methods has every method of the API', () => {
  const documented = ROWS.flatMap(([api]) => api?.map((word) => word.split('.').at(-1))).sort();
  const methods = [Services, Logs, Init, Definitions].flatMap((service) =>
    Object.values(service).map(({ path }) => path.split('/').at(-1)),
  );
  // Of the service Health, which is not ours, only List is used.
  expect(documented).toEqual([...methods, 'List'].sort());
});

test.each(ROWS)('%j: %j, %j', (_, names = [], goNames = []) => {
  const python = ['client', 'aio'].map((file) => text(`clients/python/my_init/${file}.py`));
  const files = ['myinit', 'mutate', 'hold', 'fleet', 'orders', 'watch', 'logs', 'shutdown'];
  const go = files.map((file) => text(`clients/go/${file}.go`)).join('\n');
  for (const name of names) {
    expect(Object.getOwnPropertyNames(MyInit.prototype)).toContain(name);
    for (const file of python) expect(file).toMatch(new RegExp(`\n {4}(async )?def ${name}\\(`));
  }
  for (const name of goNames) expect(go).toContain(`\nfunc (my *MyInit) ${name}(`);
  expect(goNames.map((name) => name.toLowerCase())).toEqual(names);
});
