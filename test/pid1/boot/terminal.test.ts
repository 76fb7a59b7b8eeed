/** @needs python3 */
import { describe, expect, test } from '@jest/globals';
import { onTerminal } from '../../helpers/terminal.js';

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';

/**
 * The program is no shell that reads: a signal right before its read(2) would wait for input. A
 * handler that prints during another print would fail.
 */
const HANDLES_INT = `import os, select, signal, sys
signal.signal(signal.SIGINT, lambda *_: print("got INT", flush=True))
os.write(1, b"set\\n")
while not select.select([sys.stdin], [], [], 0.05)[0]: pass
sys.exit(4)`;

describe.each(['pid1', 'subreaper'] as const)('the main command on a terminal, my_init as %s', (as) => {
  test('a shell has job control', async () => {
    const { stdout } = await onTerminal(
      [
        ['expect', 'Running bash'],
        ['send', 'echo "flags $-"\n'],
        ['expect', 'flags '],
        ['send', 'exit 3\n'],
      ],
      ['bash', '--norc', '-i'],
      as,
    );
    expect(stdout).toMatch(/flags \w*m\w*/);
    expect(stdout).not.toContain('no job control');
    expect(stdout).toContain('bash exited with status 3');
  });

  test('^C ends the command, not my_init', async () => {
    const { stdout, code } = await onTerminal(
      [
        ['expect', 'set\r'],
        ['send', CTRL_C],
      ],
      ['sh', '-c', 'echo set; exec sleep 1000'],
      as,
    );
    expect(stdout).toContain('*** Shutting down: sh was killed by INT.');
    expect(stdout).not.toContain('SIGINT was received');
    expect(code).toBe(130);
  });

  test('^C that the command handles changes nothing else', async () => {
    const { stdout, code } = await onTerminal(
      [
        ['expect', 'set\r'],
        ['send', CTRL_C],
        ['expect', 'got INT'],
        ['send', 'go\n'],
      ],
      ['python3', '-c', HANDLES_INT],
      as,
    );
    expect(stdout).not.toContain('SIGINT was received');
    expect(code).toBe(4);
  });

  test('^Z stops a job of the shell, not my_init', async () => {
    const { stdout, code } = await onTerminal(
      [
        ['expect', 'Running bash'],
        ['send', "sh -c 'echo job; exec sleep 1000'\n"],
        ['expect', 'job\r'],
        ['send', CTRL_Z],
        ['expect', 'Stopped'],
        ['send', 'exit 5\n'],
        ['expect', 'There are stopped jobs'],
        ['send', 'exit 5\n'],
      ],
      ['bash', '--norc', '-i'],
      as,
    );
    expect(stdout).toContain('Stopped');
    expect(code).toBe(5);
  });

  test('messages of my_init reach a terminal that stops others (stty tostop)', async () => {
    const { stdout, code } = await onTerminal(
      [['expect', 'exited with status 7']],
      ['sh', '-c', 'stty tostop; exit 7'],
      as,
    );
    expect(stdout).toContain('*** Shutting down: sh exited with status 7.');
    expect(code).toBe(7);
  });

  test('a new size of the window reaches the command', async () => {
    const { stdout, code } = await onTerminal(
      [
        ['resize', 24, 80],
        ['expect', 'set\r'],
        ['resize', 50, 132],
        ['expect', 'got WINCH: 50 132'],
      ],
      // The loop ends by itself: a ^C while bash leaves a trap makes bash send SIGINT to itself for
      // ever.
      ['bash', '-c', 'trap "echo got WINCH: \\$(stty size); exit 6" WINCH; echo set; while :; do sleep 1 & wait; done'],
      as,
    );
    expect(stdout).toContain('got WINCH: 50 132');
    expect(code).toBe(6);
  });
});
