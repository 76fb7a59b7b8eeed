/** @needs go */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { conforms } from '../../helpers/conformance.js';
import { TestContainer } from '../../helpers/container.js';

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'my_init-go-'));
const go = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run('go', words, { cwd: 'clients/go', env: { ...process.env, ...env } });

/** The first build of gRPC takes a minute. */
const BUILD_MS = 900_000;

const driver = join(directory, 'driver');
beforeAll(async () => {
  await go(['build', '-o', driver, './internal/conformance']);
}, BUILD_MS);
afterAll(() => rmSync(directory, { recursive: true, maxRetries: 20 }));

conforms((socket) => [driver, socket]);

describe('with services', () => {
  let container: TestContainer;
  beforeAll(async () => {
    const sleeper = { run: '#!/bin/sh\nexec sleep 1000\n' };
    container = await TestContainer.boot({ services: { web: sleeper, cron: sleeper } });
    await container.reaches('web', 'up');
  });
  afterAll(() => container.dispose());

  test(
    'go vet and go test find nothing',
    async () => {
      await go(['vet', './...']);
      expect(execFileSync('gofmt', ['-l', 'clients/go'], { encoding: 'utf8' })).toBe('');
      const { stdout } = await go(['test', '-count=1', '-v', './...'], { MY_INIT_SOCKET: container.socket }).catch(
        (failed: { readonly stdout: string }) => failed,
      );
      expect(stdout).toMatch(/--- PASS: TestAnOrderIsCarriedOutOnce[\s\S]*\nok /);
    },
    BUILD_MS,
  );

  const examples = [...readFileSync('clients/go/README.md', 'utf8').matchAll(/```go\n(.*?)```/gs)].map(
    ([, code]) => code ?? '',
  );
  test.each([
    [0, /^cron SERVICE_STATE_UP \d+\nweb SERVICE_STATE_UP \d+\n$/],
    [1, /^pid \d+ -> \d+\n$/],
    [2, /^all 2\n$/],
  ] as const)(
    'example %i of the README works',
    async (number, expected) => {
      // A package of the module, which is not on disk there.
      const overlay = join(directory, `overlay-${number}.json`);
      const file = join(directory, `example-${number}.go`);
      writeFileSync(file, program(examples[number] ?? ''));
      writeFileSync(overlay, JSON.stringify({ Replace: { [resolve('clients/go/internal/readme/main.go')]: file } }));
      const { stdout } = await go(['run', '-overlay', overlay, './internal/readme'], {
        MY_INIT_SOCKET: container.socket,
      });
      expect(stdout).toMatch(expected);
    },
    BUILD_MS,
  );
});

/** Makes a program of an example that shows a body alone. */
function program(code: string): string {
  if (code.startsWith('package')) return code;
  const imports = ['context', 'errors', 'fmt'].filter((name) => name === 'context' || code.includes(`${name}.`));
  return `package main

import (
${imports.map((name) => `\t"${name}"`).join('\n')}
	myinit "my_init/clients/go"
)

func main() {
	ctx := context.Background()
	my := myinit.Connect("")
	defer my.Close()
${code}}
`;
}
