import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ContainerEnvironment } from '../../../src/settings/container-environment.js';
import { run } from '../../helpers/container.js';

let base: string;
let directory: string;
let warnings: string[];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'environment-'));
  directory = join(base, 'container_environment');
  mkdirSync(directory);
  warnings = [];
});
afterEach(() => rmSync(base, { recursive: true }));

const file = (name: string) => join(directory, name);
const bytes = (...values: number[]) => Buffer.from(values).toString('latin1');

function begin(given: Readonly<Record<string, string>> = {}): ContainerEnvironment {
  const environment = new ContainerEnvironment(directory, new Map(Object.entries(given)), (text) =>
    warnings.push(text),
  );
  environment.begin();
  return environment;
}

const contents = (environment: ContainerEnvironment) => Object.fromEntries(environment.current);
const json = () => JSON.parse(readFileSync(`${directory}.json`, 'utf8'));

describe('at boot', () => {
  test('a file is a variable, less one line end', () => {
    writeFileSync(file('A'), 'one\n');
    writeFileSync(file('B'), 'two\n\n');
    writeFileSync(file('C'), 'three\r\n');
    writeFileSync(file('D'), '');
    expect(contents(begin())).toEqual({ A: 'one', B: 'two\n', C: 'three\r', D: '' });
  });

  test('the environment given to the container wins over the file', () => {
    writeFileSync(file('A'), 'file');
    expect(contents(begin({ A: 'given' }))).toEqual({ A: 'given' });
    expect(readFileSync(file('A'), 'utf8')).toBe('given');
  });

  test('a file HOME wins over the HOME that every runtime gives', () => {
    writeFileSync(file('HOME'), '/home/app\n');
    expect(contents(begin({ HOME: '/root', USER: 'root' }))).toEqual({ HOME: '/home/app', USER: 'root' });
  });

  test('every variable has a file and is in both dumps, except those of one user', () => {
    begin({ A: 'it is', HOME: '/root', USER: 'u', GROUP: 'g', UID: '1', GID: '1', SHELL: '/bin/sh' });
    expect(readdirSync(directory)).toEqual(['A']);
    expect(json()).toEqual({ A: 'it is' });
    expect(readFileSync(`${directory}.sh`, 'utf8')).toBe("export A='it is'\n");
  });

  test('without the directory nothing is read or written', () => {
    rmSync(directory, { recursive: true });
    expect(contents(begin({ A: '1' }))).toEqual({ A: '1' });
    expect([existsSync(directory), existsSync(`${directory}.sh`), warnings]).toEqual([false, false, []]);
  });
});

describe('bytes', () => {
  test.each([
    ['what is not UTF-8', bytes(0xff, 0xfe, 0x41, 0xc3)],
    ['a line end at the end', 'a\n'],
    ['line ends everywhere', '\n\na\r\n\n'],
    ['equals signs', '=a=b='],
    ['quotes', `'"'$(true)\`\\`],
    ['nothing', ''],
    ['100 KB', 'x'.repeat(100_000)],
  ])('%s come through the directory unchanged', (_what, value) => {
    begin({ A: value });
    expect(begin().current.get('A')).toBe(value);
    expect(warnings).toEqual([]);
  });

  test('the .sh gives a shell the same bytes', async () => {
    const value = `'"'$(true)\`\\\n=é\n`;
    begin({ A: Buffer.from(value).toString('latin1') });
    const { stdout } = await run('env', ['-i', 'sh', '-c', `. ${directory}.sh; printf %s "$A"`]);
    expect(stdout).toBe(value);
  });

  test('a name that a shell cannot have is in the .json alone', () => {
    begin({ 'A-B': '1', 'a.b': '2', '1C': '3', 'BASH_FUNC_f%%': '() { :; }', D: '4' });
    expect(readFileSync(`${directory}.sh`, 'utf8')).toBe("export D='4'\n");
    expect(Object.keys(json())).toHaveLength(5);
  });
});

describe('a file that is no variable', () => {
  test('may be a directory, a link to one or a name with a dot: it is ignored', () => {
    mkdirSync(file('..2026_11_23'));
    writeFileSync(file('..2026_11_23/TOKEN'), 'secret');
    symlinkSync('..2026_11_23', file('..data'));
    symlinkSync('..data/TOKEN', file('TOKEN'));
    mkdirSync(file('lost+found'));
    writeFileSync(file('.hidden'), 'x');
    expect(contents(begin())).toEqual({ TOKEN: 'secret' });
    expect(warnings).toEqual([]);
  });

  test.each([
    ['A=B', 'x', 'no variable can have = in its name'],
    ['NUL', 'a\0b', 'no variable can have a NUL in its value'],
    ['LONG', 'x'.repeat(131_072), 'it is longer than a variable can be'],
  ])('%s is left out and named', (name, content, why) => {
    writeFileSync(file(name), content);
    expect(contents(begin({ Z: '1' }))).toEqual({ Z: '1' });
    expect(warnings).toEqual([expect.stringContaining(`${file(name)} is left out: ${why}`)]);
  });

  test('a link to nothing is left out and named', () => {
    symlinkSync('nowhere', file('A'));
    begin();
    expect(warnings).toEqual([`${file('A')} is left out: it cannot be read (ENOENT)`]);
  });

  test('a name with a slash stays a variable, without a file', () => {
    expect(contents(begin({ 'a/b': '1' }))).toEqual({ 'a/b': '1' });
    expect(warnings).toEqual([`the variable a/b has no file in ${directory}: no file can have its name`]);
    expect(json()).toEqual({ 'a/b': '1' });
  });

  test('a warning is said once', () => {
    writeFileSync(file('A=B'), 'x');
    const environment = begin();
    environment.refresh();
    environment.refresh();
    expect(warnings).toHaveLength(1);
  });
});

describe('after a startup script', () => {
  test('added, changed and removed files are set, changed and unset', () => {
    const environment = begin({ CHANGED: '1', REMOVED: '1', KEPT: '1' });
    writeFileSync(file('CHANGED'), '2\n');
    rmSync(file('REMOVED'));
    writeFileSync(file('ADDED'), '3\n');
    environment.refresh();
    expect(contents(environment)).toEqual({ CHANGED: '2', KEPT: '1', ADDED: '3' });
    expect(json()).toEqual({ CHANGED: '2', KEPT: '1', ADDED: '3' });
  });

  test('the variables of one user remain', () => {
    const environment = begin({ HOME: '/root', A: '1' });
    environment.refresh();
    expect(contents(environment)).toEqual({ HOME: '/root', A: '1' });
  });

  test('a script can set HOME, and unset it again', () => {
    const environment = begin({ HOME: '/root' });
    writeFileSync(file('HOME'), '/home/app\n');
    environment.refresh();
    expect(contents(environment)).toEqual({ HOME: '/home/app' });
    rmSync(file('HOME'));
    environment.refresh();
    expect(contents(environment)).toEqual({});
  });

  test('a directory that has gone changes nothing', () => {
    const environment = begin({ A: '1' });
    rmSync(directory, { recursive: true });
    environment.refresh();
    expect(contents(environment)).toEqual({ A: '1' });
  });
});

describe('the files', () => {
  const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

  test('new dumps are for their owner and group alone', () => {
    const umask = process.umask(0);
    begin({ A: '1' });
    process.umask(umask);
    expect([modeOf(`${directory}.sh`), modeOf(`${directory}.json`)]).toEqual(['640', '640']);
  });

  test('existing dumps keep their mode, and links lead where they led', () => {
    const elsewhere = join(base, 'elsewhere');
    writeFileSync(elsewhere, '');
    chmodSync(elsewhere, 0o600);
    symlinkSync(elsewhere, `${directory}.sh`);
    begin({ A: '1' });
    expect(modeOf(elsewhere)).toBe('600');
    expect(readFileSync(elsewhere, 'utf8')).toBe("export A='1'\n");
  });

  test('a temporary file of an unfinished write does not matter', () => {
    for (const place of [base, directory]) writeFileSync(join(place, `.my_init.${process.pid}.tmp`), 'half');
    begin({ A: '1' });
    expect(warnings).toEqual([]);
    expect(readdirSync(directory)).toEqual(['A']);
  });

  test('a reader sees the old dump or the new one, and nothing in between', async () => {
    const environment = begin({ BIG: 'x'.repeat(100_000) });
    const reading = run('sh', ['-c', `for i in $(seq 50); do wc -c < ${directory}.json; done | sort -u`]);
    let done = false;
    void reading.then(() => {
      done = true;
    });
    while (!done) {
      environment.refresh();
      await new Promise(setImmediate);
    }
    expect((await reading).stdout.trim().split('\n')).toHaveLength(1);
  });
});
