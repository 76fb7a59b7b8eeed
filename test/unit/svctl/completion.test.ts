/** @needs zsh fish */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { FakeServices } from '../../helpers/fake-services.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
let bin: string;
beforeAll(() => {
  svctl = bundledSvctl();
  bin = mkdtempSync(join(tmpdir(), 'svctl-'));
  // The scripts give svctl one second, so that Tab never hangs; a busy machine takes longer.
  writeFileSync(join(bin, 'svctl'), `#!/bin/bash\nexec ${svctl.path} "\${@/--timeout=1s/--timeout=60s}"\n`, {
    mode: 0o755,
  });
});
afterAll(() => {
  rmSync(bin, { recursive: true, maxRetries: 20 });
  svctl.remove();
});

let api: TestApi;
beforeEach(async () => {
  api = await startApi({ services: new FakeServices(['memcached', 'web-1', 'web-2']) });
});
afterEach(() => api.stop());

const installed = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;
const testWith = (shell: string) => (installed(shell) ? test : test.skip);

const shell = async (command: string, socket = api.path) => {
  const { stdout, stderr } = await svctl.shell(command, {
    PATH: `${bin}:${process.env.PATH}`,
    MY_INIT_SOCKET: socket,
    HOME: bin,
  });
  expect(stderr).toBe('');
  return stdout;
};

/** A podman with two containers, and an ssh configuration. */
function tools(): void {
  writeFileSync(join(bin, 'podman'), '#!/bin/sh\nprintf "web\\ndatabase\\n"\n', { mode: 0o755 });
  mkdirSync(join(bin, '.ssh'), { recursive: true });
  writeFileSync(join(bin, '.ssh/config'), 'Host node1 node2\n  User admin\nHost *.example.org\n');
}

describe('in bash', () => {
  /** The words that Tab offers; the last one of `words` is the one under the cursor. */
  const offered = async (words: readonly string[], socket?: string) => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const out = await shell(
      `set -u; source <(svctl completion bash); COMP_WORDS=(svctl ${quoted}); COMP_CWORD=${words.length}; _svctl; printf '%s\\n' "\${COMPREPLY[@]-}"`,
      socket,
    );
    return out.trimEnd().split('\n');
  };

  test('the script is well-formed', async () => {
    await shell('bash -n <(svctl completion bash)');
  });

  test('commands are offered', async () => {
    expect(await offered(['re'])).toEqual(['restart', 'reload', 'release', 'reset', 'rescan', 'reexec']);
    expect(await offered([''])).toEqual(expect.arrayContaining(['status', 'completion', 'shutdown']));
  });

  test('services are offered where they are allowed', async () => {
    expect(await offered(['restart', ''])).toEqual(['memcached', 'web-1', 'web-2']);
    expect(await offered(['stop', 'web-1', 'web'])).toEqual(['web-1', 'web-2']);
    expect(await offered(['-o', 'json', 'status', 'm'])).toEqual(['memcached']);
    expect(await offered(['health', ''])).toEqual(['liveness', 'readiness', 'startup', 'memcached', 'web-1', 'web-2']);
    expect(await offered(['info', ''])).toEqual(['']);
  });

  test('programs are offered for the command to run', async () => {
    expect(await offered(['run', '--name', 'dev', '--', 'bas'])).toEqual(expect.arrayContaining(['bash', 'basename']));
    expect(await offered(['run', '--re'])).toEqual(['--ready', '--restart']);
  });

  test('a signal comes before the services', async () => {
    expect(await offered(['signal', 'US'])).toEqual(['USR1', 'USR2']);
    expect(await offered(['signal', 'USR1', 'm'])).toEqual(['memcached']);
  });

  test('options and their values are offered', async () => {
    expect(await offered(['restart', '--st'])).toEqual(['--stop-timeout']);
    expect(await offered(['stop', '--with'])).toEqual(['--with-dependents']);
    expect(await offered(['restart', '--no'])).toEqual(['--no-wait', '--no-color']);
    expect(await offered(['status', '-o', 'js'])).toEqual(['json', 'jsonl']);
    expect(await offered(['status', '--output', '=', 'ta'])).toEqual(['table']);
    expect(await offered(['stop', '--wait', ''])).toEqual(['none', 'stopped']);
    expect(await offered(['start', '--wait', '='])).toEqual(['none', 'started', 'ready']);
    expect(await offered(['start', '--timeout', ''])).toEqual(['']);
    expect(await offered(['completion', ''])).toEqual(['bash', 'zsh', 'fish']);
  });

  test('the services are those of the named socket', async () => {
    const words = ['restart', '--socket', api.path, ''];
    expect(await offered(words, '/nowhere/x.sock')).toEqual(['memcached', 'web-1', 'web-2']);
    const split = ['restart', '--socket', '=', api.path, 'm'];
    expect(await offered(split, '/nowhere/x.sock')).toEqual(['memcached']);
  });

  test('hosts are offered, and the services of the named host', async () => {
    tools();
    // bash splits a word at a colon.
    expect(await offered(['-H', 'podman', ':', '//da'])).toEqual(['//database']);
    expect(await offered(['-H', 'po'])).toEqual(['podman://web', 'podman://database']);
    expect(await offered(['--host', '=', 'ssh', ':', '//'])).toEqual(['//node1', '//node2']);
    expect(await offered(['-H', 'unix', ':', `//${api.path}`, 'restart', ''], '/nowhere/x.sock')).toEqual([
      'memcached',
      'web-1',
      'web-2',
    ]);
  });

  test('without my_init there is no error message', async () => {
    expect(await offered(['restart', ''], '/nowhere/x.sock')).toEqual(['']);
    expect(await offered(['rest'], '/nowhere/x.sock')).toEqual(['restart']);
  });
});

describe('in fish', () => {
  const offered = async (line: string, socket?: string) => {
    const out = await shell(`fish -N -c 'svctl completion fish | source; complete -C "${line}"'`, socket);
    return out
      .trimEnd()
      .split('\n')
      .map((candidate) => candidate.split('\t')[0]);
  };

  testWith('fish')('commands, services, options and values are offered', async () => {
    expect((await offered('svctl re')).sort()).toEqual(['reexec', 'release', 'reload', 'rescan', 'reset', 'restart']);
    expect(await offered('svctl restart ')).toEqual(['memcached', 'web-1', 'web-2']);
    expect(await offered('svctl restart --stop')).toEqual(['--stop-timeout']);
    expect(await offered('svctl stop --wait ')).toEqual(['none', 'stopped']);
    expect(await offered('svctl health l')).toEqual(['liveness']);
    tools();
    expect(await offered('svctl -H podman://d')).toEqual(['podman://database']);
    expect(await offered(`svctl restart --socket ${api.path} m`, '/nowhere/x.sock')).toEqual(['memcached']);
    expect(await offered('svctl restart ', '/nowhere/x.sock')).toEqual(['']);
  });
});

describe('in zsh', () => {
  beforeEach(() => {
    // Ctrl-X completes the line, writes the result, and ends the shell.
    writeFileSync(
      join(bin, '.zshrc'),
      `autoload -U compinit; compinit -u -D; source <(svctl completion zsh)
       finish() { zle complete-word; print -r -- "$BUFFER" > "$ZDOTDIR/line"; exit }
       zle -N finish; bindkey '^X' finish; print READY`,
    );
  });

  /** The result of completing a line in an interactive zsh. */
  const completed = async (line: string) => {
    const script = `zmodload zsh/zpty; zpty shell zsh -i; zpty -r shell text '*READY*'
      zpty -n -w shell "$1"$'\\x18'; zpty -r shell text '*NEVER*'; cat "$ZDOTDIR/line"`;
    return shell(`ZDOTDIR=${bin} zsh -f -c '${script.replaceAll("'", "'\\''")}' zsh '${line}'`);
  };

  testWith('zsh')('the script is well-formed', async () => {
    await shell('zsh -n <(svctl completion zsh)');
  });

  testWith('zsh')('a command is completed', async () => {
    expect(await completed('svctl resta')).toBe('svctl restart \n');
  });

  testWith('zsh')('a service is completed', async () => {
    expect(await completed('svctl restart mem')).toBe('svctl restart memcached \n');
  });

  testWith('zsh')('the value of an option is completed', async () => {
    expect(await completed('svctl stop --wait=sto')).toBe('svctl stop --wait=stopped \n');
  });
});
