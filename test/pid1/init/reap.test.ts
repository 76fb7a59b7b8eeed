import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { boot, type Controller, closeBoxes } from '../../helpers/init-harness.js';
import { childrenOf, stateOf } from '../../helpers/processes.js';
import { waitFor } from '../../helpers/wait-for.js';

afterEach(closeBoxes);

const counted = (controller: Controller) =>
  controller.lines
    .filter((line) => line.startsWith('orphan '))
    .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);

/** The CPU time of a process. */
const cpuMs = (pid: number) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;

describe('init reaps', () => {
  test('an orphan is reported with its session', async () => {
    const controller = await boot().ready();
    const leak = '(while kill -0 $$ 2>&-; do sleep 0.01; done; exit 7) & exit';
    const session = await controller.call<number>('spawn', 'setsid', 'sh', '-c', leak);
    expect(await controller.hear('orphan ')).toBe(`orphan 1 ${session}`);
  });

  test.each(['pid1', 'subreaper'] as const)(
    '10,000 waiting zombies are reaped and counted one by one (%s)',
    async (as) => {
      const box = boot({ as });
      const controller = await box.ready();
      await controller.call('output', compile('init/storm.c'), '10000');
      controller.order('die', 'SIGKILL'); // standard input of the storm ends
      const next = await box.ready(2);
      // The total includes orphans that were reported to the dying controller.
      const told = Number((await next.hear('reaped ')).split(' ')[1]);
      await waitFor('10,001 orphans', () => told + counted(next) >= 10_001); // with their parent
      await next.settle();
      expect(told + counted(next)).toBe(10_001);
      expect(childrenOf(box.pid)).toHaveLength(1);
    },
  );

  test('10,000 waiting zombies are reaped in a moment', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.call('output', compile('init/storm.c'), '10000');
    const before = cpuMs(box.pid);
    controller.order('endInputs');
    await waitFor('10,000 orphans', () => counted(controller) >= 10_000);
    expect(cpuMs(box.pid) - before).toBeLessThan(300); // 30 on an idle machine
  });

  test('orphans are reaped while the controller does not listen, and all are counted when it does', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.call(
      'spawn',
      'sh',
      '-c',
      'for i in $(seq 300); do (sh -c "exit $i" &); done; setsid sleep 60 & setsid sleep 60 &',
    );
    controller.order('block', 500);
    await waitFor('the last', () => childrenOf(box.pid).length === 3);
    await waitFor('300 orphans', () => counted(controller) >= 300);
    await controller.settle();
    expect(counted(controller)).toBe(300);
  });

  test('a process that is only stopped is left alone', async () => {
    const box = boot();
    const controller = await box.ready();
    await controller.call('spawn', 'sh', '-c', 'sleep 60 & kill -STOP $!; (:) & exit 0');
    await controller.hear('orphan ');
    const stopped = await waitFor('the stopped one', () => childrenOf(box.pid).find((pid) => stateOf(pid) === 'T'));
    await controller.settle();
    expect(stateOf(stopped)).toBe('T');
  });

  test('an orphan is reaped although the controller has never begun to listen', async () => {
    const standIn = 'go=$(dirname "$0")/go; (until test -e "$go"; do sleep 0.1; done &); echo started; exec sleep 60';
    const box = boot({ standIn });
    await waitFor('the orphan', () => childrenOf(box.pid).length === 2);
    writeFileSync(join(box.directory, 'go'), '');
    await waitFor('its end', () => childrenOf(box.pid).length === 1);
  });

  test('without /proc orphans are counted too', async () => {
    const controller = await boot({ before: 'mount -t tmpfs none /proc' }).ready();
    await controller.call('spawn', 'sh', '-c', '(sleep 0.05 &) ; exit 0');
    expect(await controller.hear('orphan ')).toMatch(/^orphan 1 \d+$/);
  });
});
