import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { hasYaml } from '../../../../src/supervisor/definition/yaml-files.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'my_init-yaml-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const isYamlThere = (): boolean =>
  hasYaml({
    servicesFile: join(root, 'my_init/services.yaml'),
    serviceDirectory: join(root, 'service'),
    ownDirectory: join(root, 'run'),
  });

test('there is no YAML in runit directories, nor in leftovers of an earlier boot below the run directory', () => {
  expect(isYamlThere()).toBe(false);
  for (const directory of ['service/web', 'service/.new', 'run/web/supervise', 'run/.dev'])
    mkdirSync(join(root, directory), { recursive: true });
  writeFileSync(join(root, 'service/web/run'), '');
  writeFileSync(join(root, 'service/.new/service.yaml'), '');
  writeFileSync(join(root, 'run/.dev/service.yaml'), '');
  expect(isYamlThere()).toBe(false);
});

test.each(['my_init/services.yaml', 'my_init/services.d/10.yaml', 'service/web/service.yaml', 'run/dev/service.yaml'])(
  'there is YAML with %s',
  (path) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
    expect(isYamlThere()).toBe(true);
  },
);
