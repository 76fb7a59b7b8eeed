import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { bootWith, container, lines, out } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

const SERVICES = 500;
const LIMIT_MS = 120_000;

interface Edge {
  readonly on: string;
  readonly condition: 'started' | 'ready' | 'completed';
}

interface Planned {
  readonly name: string;
  readonly kind: 'longrun' | 'oneshot' | 'failing';
  readonly edges: readonly Edge[];
}

/**
 * Whether a failing service was `started` is a matter of timing; a service that never ends by
 * itself never completes.
 */
const CONDITIONS: Readonly<Record<Planned['kind'], readonly Edge['condition'][]>> = {
  longrun: ['started', 'ready', 'ready'],
  oneshot: ['started', 'ready', 'completed'],
  failing: ['ready', 'completed'],
};

/** Each service depends on some of the services before it; the seed repeats the graph. */
function planGraph(seed: number): readonly Planned[] {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const planned: Planned[] = [];
  for (let index = 0; index < SERVICES; index++) {
    const dice = below(100);
    const kind = dice < 2 ? 'failing' : dice < 20 ? 'oneshot' : 'longrun';
    const edges = new Map<string, Edge>();
    for (let edge = below(4); edge > 0 && index > 0; edge--) {
      const on = planned[below(index)];
      if (on === undefined) continue;
      const conditions = CONDITIONS[on.kind];
      edges.set(on.name, { on: on.name, condition: conditions[below(conditions.length)] ?? 'ready' });
    }
    planned.push({ name: `s${index}`, kind, edges: [...edges.values()] });
  }
  return planned;
}

/** Each service notes its beginning, its readiness before reporting it, and its end. */
const SCRIPT = `
note() { echo "$NAME $1" >> $OUT/journal; }
note begins
case $KIND in
  oneshot) note done; exit 0;;
  failing) note failed; exit 1;;
esac
trap 'note ends; exit 0' TERM
note ready
echo >&3
exec 4<> $OUT/pipe
while :; do read -r _ <&4; done
`;

const definitionOf = ({ name, kind, edges }: Planned): object => ({
  command: ['/bin/sh', '-c', SCRIPT.replaceAll('$', '$$$$')],
  environment: { NAME: name, KIND: kind },
  depends_on: Object.fromEntries(edges.map(({ on, condition }) => [on, { condition }])),
  ...(kind === 'longrun' ? { ready: { notify_fd: 3 } } : { type: 'oneshot', optional: true }),
});

/** The services that come up: a dependent of a failing service does not. */
function comingUp(planned: readonly Planned[]): ReadonlySet<string> {
  const kinds = new Map(planned.map(({ name, kind }) => [name, kind]));
  const coming = new Set<string>();
  for (const { name, edges } of planned) {
    const isMet = ({ on, condition }: Edge): boolean =>
      coming.has(on) && (kinds.get(on) !== 'failing' || condition === 'completed');
    if (edges.every(isMet)) coming.add(name);
  }
  return coming;
}

test('hundreds of processes in a random graph: none starts before its conditions, none stops after its dependencies', async () => {
  const seed = Number(process.env.MY_INIT_TEST_SEED ?? Date.now() % 1_000_000);
  const planned = planGraph(seed);
  const coming = comingUp(planned);
  const longruns = planned.filter(({ name, kind }) => kind === 'longrun' && coming.has(name));
  const services = Object.fromEntries(planned.map((each) => [each.name, definitionOf(each)]));
  await bootWith({
    etc: { 'my_init/services.yaml': JSON.stringify({ services }) },
    prepare: `mkfifo ${out}/pipe`,
    args: ['--shutdown-timeout', '600'],
  });
  const journal = () => lines('journal');
  const has = (what: string) => journal().filter((line) => line.endsWith(` ${what}`)).length;
  const isUp = () => has('ready') >= longruns.length && has('begins') >= coming.size;
  await waitFor(`all services of the graph ${seed} to be up`, isUp, LIMIT_MS);
  const begun = new Set(journal().map((line) => line.split(' ')[0]));
  expect({ seed, begun: [...begun].sort() }).toEqual({ seed, begun: [...coming].sort() });

  const atStart = new Map(journal().map((line, index) => [line, index]));
  const { steps } = JSON.parse((await container.svctl('boot', '-o', 'json')).stdout);
  const startedAt = new Map<string, number>(
    steps.map((step: { name: string; startedSeconds?: number }) => [step.name, step.startedSeconds ?? -1]),
  );
  const faults: string[] = [];
  for (const { name, edges } of planned.filter((each) => coming.has(each.name))) {
    for (const { on, condition } of edges) {
      const kind = planned.find((each) => each.name === on)?.kind;
      const met = kind === 'longrun' ? 'ready' : kind === 'oneshot' ? 'done' : 'failed';
      const isBefore =
        condition === 'started'
          ? (startedAt.get(on) ?? Number.NaN) <= (startedAt.get(name) ?? Number.NaN)
          : (atStart.get(`${on} ${met}`) ?? Number.NaN) < (atStart.get(`${name} begins`) ?? Number.NaN);
      if (!isBefore) faults.push(`${name} started before ${on} was ${condition}`);
    }
  }

  container.signal('SIGTERM');
  expect({ seed, code: await container.exit, log: container.log() }).toMatchObject({ seed, code: 0 });
  const ends = new Map(
    readFileSync(join(out, 'journal'), 'utf8')
      .split('\n')
      .map((line, index) => [line, index]),
  );
  for (const { name, edges } of longruns)
    for (const { on } of edges) {
      const [own, other] = [ends.get(`${name} ends`), ends.get(`${on} ends`)];
      if (own === undefined) faults.push(`${name} was not asked to end`);
      else if (other !== undefined && other < own) faults.push(`${on} was stopped before ${name}`);
    }
  expect({ seed, faults }).toEqual({ seed, faults: [] });
}, 900_000);
