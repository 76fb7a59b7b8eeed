/** Orphans that PID 1 is left with: a storm of double forks, and many zombies at once. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, settled, until } from '../container.mjs';
import { children, cpuMs, executable } from '../proc.mjs';
import { MY_INIT } from '../supervisors.mjs';
import { compile, inPath } from '../tools.mjs';

const ORPHANS = compile('orphans.c');
const WITHIN_MS = 60_000;
const WORKS = [
  { title: 'storm of 20,000 double forks', mode: 'storm', count: 20_000 },
  { title: '10,000 zombies at once', mode: 'heap', count: 10_000 },
];

export const rounds = 3;
export const contenders = [
  { name: 'my_init', isThere: () => true, command: ourCommand },
  peer('tini', (_directory, program) => ['tini', '--', ...program]),
  peer('dumb-init', (_directory, program) => ['dumb-init', '--', ...program]),
  peer('s6', (directory, program) => ['s6-svscan', serviceDirectory(directory, program)], 's6-svscan'),
];

/** Measures the CPU time of PID 1 and, if there is one, of the process that PID 1 reports to. */
export async function run(contender, record) {
  for (const { title, mode, count } of WORKS) {
    const container = new Container((directory) => ({
      command: contender.command(directory, [ORPHANS, directory, mode, String(count)]),
    }));
    const file = (name) => join(container.directory, name);
    try {
      const program = await until('the program', WITHIN_MS, () => find(container.pid));
      await settled(() => container.supervisors().filter((pid) => pid !== program));
      const pids = container.supervisors().filter((pid) => pid !== program);
      const before = pids.map(cpuMs);
      const fewest = children(container.pid).length;
      let most = 0;
      writeFileSync(file('go'), '');
      await until('all to be reaped', WITHIN_MS, () => {
        most = Math.max(most, children(container.pid).length - fewest);
        return existsSync(file('reaped'));
      });
      const [init, ...others] = pids.map((pid, index) => ((cpuMs(pid) - before[index]) * 1000) / count);
      record(title, 'ms', Number(readFileSync(file('reaped'), 'utf8')));
      record(`${title}: CPU of PID 1 per orphan`, 'µs', init);
      if (others.length > 0)
        record(
          `${title}: CPU of the rest per orphan`,
          'µs',
          others.reduce((sum, one) => sum + one),
        );
      if (mode === 'storm') record(`${title}: most that waited`, '', most);
    } finally {
      await container.dispose();
    }
  }
}

const find = (pid) =>
  pid && [...children(pid), ...children(pid).flatMap(children)].find((child) => executable(child) === ORPHANS);

function peer(name, command, program = name) {
  return { name, isThere: () => inPath(program), source: `Debian package ${name}`, command };
}

function ourCommand(directory, program) {
  mkdirSync(join(directory, 'service'));
  const places = ['--service-dir', join(directory, 'service'), '--socket', join(directory, 'run/my_init.sock')];
  return [MY_INIT, '--skip-startup-files', '--http-listen', 'none', ...places, '--', ...program];
}

function serviceDirectory(directory, program) {
  mkdirSync(join(directory, 'service/orphans'), { recursive: true });
  writeFileSync(join(directory, 'service/orphans/run'), `#!/bin/sh\nexec ${program.join(' ')}\n`, { mode: 0o755 });
  return join(directory, 'service');
}
