import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { defaultDefinition } from '../../../../src/supervisor/definition/default-definition.js';
import type { EnvironmentRule, Execution } from '../../../../src/supervisor/definition/definition.js';
import { readEnvironmentFiles, serviceEnvironment } from '../../../../src/supervisor/definition/environment.js';
import { KeptDefinitions } from '../../../../src/supervisor/definition/kept-definitions.js';
import type { ServiceName } from '../../../../src/types/service.js';

const directory = mkdtempSync(join(tmpdir(), 'my_init-environment-'));
afterAll(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, 'env'));
writeFileSync(join(directory, 'env/LAYER'), 'directory\n');
writeFileSync(join(directory, 'env/FROM_DIRECTORY'), 'yes\n');

const NOBODY: Execution = {
  user: undefined,
  groupAdd: [],
  workingDirectory: undefined,
  umask: undefined,
  nice: undefined,
  oomScoreAdj: undefined,
  ulimits: new Map(),
};
const TIMES = { stopMs: 1, finishMs: 1, scriptMs: 1 };
const CONTAINER = new Map([
  ['PATH', '/bin'],
  ['HOME', '/root'],
  ['LAYER', 'container'],
  ['DB_HOST', 'db'],
]);

function environmentOf(rule: Partial<EnvironmentRule>, user?: string, where: string | undefined = undefined) {
  const environment = { variables: new Map(), files: [], pass: undefined, ...rule };
  const made = serviceEnvironment({ directory: where, environment, execution: { ...NOBODY, user } }, CONTAINER);
  return Object.fromEntries(made);
}

function file(text: string): { path: string; required: boolean } {
  writeFileSync(join(directory, 'file.env'), text);
  return { path: join(directory, 'file.env'), required: true };
}

describe('the environment of a service', () => {
  test('is that of the container by default', () => {
    expect(environmentOf({})).toEqual(Object.fromEntries(CONTAINER));
  });

  test('has the directory env above it, env_file above that, and environment above all', () => {
    expect(environmentOf({}, undefined, directory)).toMatchObject({ LAYER: 'directory', FROM_DIRECTORY: 'yes' });
    const files = [file('LAYER=file\n')];
    expect(environmentOf({ files }, undefined, directory)).toMatchObject({ LAYER: 'file', FROM_DIRECTORY: 'yes' });
    const variables = new Map([['LAYER', 'definition']]);
    expect(environmentOf({ files, variables }, undefined, directory).LAYER).toBe('definition');
  });

  test('removes a variable without a value, and keeps an empty one', () => {
    const variables = new Map([
      ['LAYER', undefined],
      ['EMPTY', ''],
    ]);
    expect(environmentOf({ variables })).toEqual({ PATH: '/bin', HOME: '/root', DB_HOST: 'db', EMPTY: '' });
  });

  test('has only the variables of the container that pass_env names', () => {
    expect(environmentOf({ pass: ['PATH', 'DB_*'] })).toEqual({ PATH: '/bin', DB_HOST: 'db' });
    expect(environmentOf({ pass: [] })).toEqual({});
  });

  test("with a user has no HOME of the container's, but that of the definition", () => {
    expect(environmentOf({}, 'nobody').HOME).toBeUndefined();
    expect(environmentOf({ variables: new Map([['HOME', '/data']]) }, 'nobody').HOME).toBe('/data');
  });

  test('is bytes: text of a definition is UTF-8', () => {
    expect(environmentOf({ variables: new Map([['NAME', 'Zoë']]) }).NAME).toBe('Zo\xc3\xab');
  });
});

describe('an env_file', () => {
  const read = (text: string) => environmentOf({ files: [file(text)], pass: ['DB_*'] });

  test('is read as Compose reads it', () => {
    const lines = [
      '# a comment',
      '',
      'PLAIN=some words # and a comment',
      'HASH=a#b',
      "SINGLE='$HOME \\n # it is' # comment",
      'DOUBLE="a\\n\\"b\\" \\\\ #c"',
      'export EXPORTED = spaces ',
      'EMPTY=',
      'EQUALS=a=b',
      'DB_HOST',
      'NOT_THERE\r',
    ];
    expect(read(lines.join('\n'))).toEqual({
      PLAIN: 'some words',
      HASH: 'a#b',
      SINGLE: '$HOME \\n # it is',
      DOUBLE: 'a\n"b" \\ #c',
      EXPORTED: 'spaces',
      EMPTY: '',
      EQUALS: 'a=b',
      DB_HOST: 'db',
    });
  });

  test.each([
    ['OK=1\n=value\n', 'file.env:2: is not NAME=VALUE'],
    ['A="open\n', 'file.env:1: the quote " is not closed on its line'],
    ["A='b' c\n", "file.env:1: the quote ' is not closed on its line"],
  ])('%j is refused with its line', (text, message) => {
    expect(() => read(text)).toThrow(`env_file: ${directory}/${message}`);
  });

  test('is read once for a start: the record has what the service got', () => {
    const environment = { variables: new Map(), files: [file('A=before\n')], pass: [] };
    const definition = { ...defaultDefinition('web' as ServiceName, undefined, TIMES), environment };
    const kept = new KeptDefinitions({ saved: new Map(), put: () => {}, erase: () => {} });
    const files = readEnvironmentFiles(definition);
    file('A=after\n');
    kept.put(definition, files);
    expect(Object.fromEntries(serviceEnvironment(definition, CONTAINER, files))).toEqual({ A: 'before' });
    expect(kept.hasOtherEnvironment(definition)).toBe(true);
    file('A=before\n');
    expect(kept.hasOtherEnvironment(definition)).toBe(false);
  });

  test('is an error if it does not exist, unless it is not required', () => {
    const path = join(directory, 'none.env');
    expect(environmentOf({ files: [{ path, required: false }] })).toEqual(Object.fromEntries(CONTAINER));
    expect(() => environmentOf({ files: [{ path, required: true }] })).toThrow(
      `env_file: ${path}: does not exist (create it, or say required: false)`,
    );
  });

  test('is an error if it is a FIFO, and blocks nobody', () => {
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    expect(() => environmentOf({ files: [{ path, required: true }] })).toThrow(
      `env_file: ${path}: cannot be read (it is a FIFO)`,
    );
  });
});
