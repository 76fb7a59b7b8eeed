import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { scriptAt, scriptsOf } from '../../../src/container/scripts.js';
import type { Messages } from '../../../src/settings/messages.js';

let directory: string;
let warnings: string[];
const messages = { warn: (text: string) => warnings.push(text) } as unknown as Messages;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'scripts-'));
  warnings = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

function put(name: string | Buffer, mode = 0o755): void {
  const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name)]);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, mode);
}
const names = () => scriptsOf(directory, messages).map((path) => basename(path));

describe('the scripts of a directory', () => {
  test('are in the order of their bytes', () => {
    for (const name of ['b', 'B', '10', '9', 'é', '.dot', 'a b', '\u{1f600}', '\uffee']) put(name);
    expect(names()).toEqual(['.dot', '10', '9', 'B', 'a b', 'b', 'é', '\uffee', '\u{1f600}']);
  });

  test('are executable; another file is named', () => {
    put('no', 0o644);
    put('yes', 0o700);
    expect(names()).toEqual(['yes']);
    expect(warnings).toEqual([`${directory}/no is left out: it is not executable (chmod +x ${directory}/no)`]);
  });

  test('are files: directories are passed over, links followed', () => {
    put('script');
    mkdirSync(join(directory, '..2026'));
    symlinkSync('..2026', join(directory, '..data'));
    symlinkSync('script', join(directory, 'link'));
    expect(names()).toEqual(['link', 'script']);
    expect(warnings).toEqual([]);
  });

  test('a link to nothing is named', () => {
    symlinkSync('nowhere', join(directory, 'link'));
    expect(names()).toEqual([]);
    expect(warnings).toEqual([`${directory}/link is left out: it is a link to nowhere, which does not exist`]);
  });

  test('a name that is not UTF-8 is left out, with a warning', () => {
    put(Buffer.from([0x61, 0xff]));
    expect(names()).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('its name is not UTF-8')]);
  });

  test('a directory that does not exist has no scripts, and this is normal', () => {
    expect([scriptsOf(join(directory, 'no'), messages), warnings]).toEqual([[], []]);
  });

  test('a directory that cannot be read is named', () => {
    put('file');
    expect(scriptsOf(join(directory, 'file'), messages)).toEqual([]);
    expect(warnings).toEqual([`${directory}/file cannot be read (ENOTDIR): its scripts are left out`]);
  });

  test('a single script may be missing', () => {
    put('rc.local');
    expect(scriptAt(join(directory, 'rc.local'), messages)).toHaveLength(1);
    expect(scriptAt(join(directory, 'other'), messages)).toHaveLength(0);
    expect(warnings).toEqual([]);
  });
});
