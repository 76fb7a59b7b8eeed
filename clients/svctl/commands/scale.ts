import { type OutcomeMessage, Services } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { NO_WAIT, operate, waiting, waitOption } from '../mutate.js';
import { FORMATS, outputOption, timeoutOption, usage } from '../options.js';
import { took } from '../text/duration.js';

export const scale: Command = {
  name: 'scale',
  summary: 'change the number of replicas of a service',
  usage: 'NAME NUMBER',
  operands: 'services',
  description:
    'Starts or stops replicas of a service until NUMBER of them are left: web@1, web@2 … The number holds until the next boot, in place of `replicas` in the definition. Waits until the new replicas are ready and the surplus ones are gone.',
  examples: ['svctl scale web 4'],
  options: [
    waitOption(['none', 'started', 'ready'], 'ready'),
    NO_WAIT,
    timeoutOption('how long to wait (30 s)'),
    outputOption(FORMATS),
  ],
  run: scaleService,
};

async function scaleService(context: Context): Promise<ExitCode> {
  const [name, number, ...rest] = context.operands;
  if (name === undefined || number === undefined || rest.length > 0)
    throw usage('scale: which service, and how many replicas?', 'svctl scale NAME NUMBER, like: svctl scale web 4');
  if (!/^\d{1,3}$/.test(number)) throw usage(`scale: "${number}" is not a number`, 'svctl scale NAME NUMBER');
  const replicas = Number(number);
  const request = { name, replicas, requestId: '', ...waiting(context) };
  let affected = 0;
  const code = await operate(context, Services.scale, request, (outcome) => {
    affected += 1;
    return scaleWords(outcome);
  });
  if (code === ExitCode.ok && affected === 0)
    context.note(`${name} has ${replicas} ${replicas === 1 ? 'replica' : 'replicas'} already`);
  return code;
}

/** A replica that is gone has no service any more. */
function scaleWords({ name, service, oldPid, seconds }: OutcomeMessage): string {
  if (service === undefined) return `${name} removed${oldPid === 0 ? '' : `: pid ${oldPid}`} in ${took(seconds)}`;
  if (service.pid === 0 || service.pid === oldPid) return `${name} is to ${oldPid === 0 ? 'start' : 'stop'}`;
  return `${name} started: pid ${service.pid} in ${took(seconds)}`;
}
