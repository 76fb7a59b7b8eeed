/**
 * How much output of a program each contender captures: 100-byte lines as fast as they are read.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLACE, settled, until } from '../container.mjs';
import { CONTENDERS } from '../loggers.mjs';
import { commandLine, cpuMs, family } from '../proc.mjs';
import { compile } from '../tools.mjs';

const SECONDS = 3;
const WITHIN_MS = 20_000 + SECONDS * 1000;
const WRITER = compile('write-lines.c');

export const rounds = 3;
export const contenders = CONTENDERS;

/** Measures the CPU time of the capturing process and the bytes that the program wrote. */
export async function run(contender, record) {
  const directory = mkdtempSync(join(PLACE, 'my_init-bench-'));
  const command = contender.command(directory, `${WRITER} ${directory} ${SECONDS}`);
  const output = contender.forwards ? `{ ${command}; } | cat >/dev/null` : `{ ${command}; } >/dev/null`;
  const shell = spawn('sh', ['-c', output], { stdio: 'ignore' });
  const ended = new Promise((resolve) => shell.once('exit', resolve));
  try {
    const find = (program) => until(program, WITHIN_MS, () => family(shell.pid).find((pid) => isProcess(pid, program)));
    const pid = await find(contender.process);
    await find(WRITER);
    await settled(() => [pid]);
    const before = cpuMs(pid);
    writeFileSync(join(directory, 'go'), '');
    await until('all to be written', WITHIN_MS, () => existsSync(join(directory, 'written')));
    await settled(() => [pid]);
    const cpuSeconds = (cpuMs(pid) - before) / 1000;
    const [bytes, ms] = readFileSync(join(directory, 'written'), 'utf8').split(' ').map(Number);
    const title = contender.forwards ? 'captured and forwarded' : 'captured';
    record(title, 'MB per CPU second', bytes / 1e6 / cpuSeconds);
    record(title, 'MB per second', bytes / 1e3 / ms);
  } finally {
    writeFileSync(join(directory, 'stop'), '');
    for (const pid of family(shell.pid)) if (isProcess(pid, 'my_init') || isProcess(pid, 'supervisord')) end(pid);
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Finds a process by its program, or by the script that an interpreter runs. */
const isProcess = (pid, program) =>
  commandLine(pid)
    .slice(0, 2)
    .some((word) => word === program || word.endsWith(`/${program}`));

function end(pid) {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // The process has ended meanwhile.
  }
}
