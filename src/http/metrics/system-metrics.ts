import { cgroupPids } from '../../resources/cgroup-pids.js';
import { wordsOf } from '../../text/words.js';
import type { Phase, ProcessInfo, Reaping, System } from '../../types/system.js';
import { counter, type Family, gauge, known, oneIf, type Sample } from './family.js';
import type { WallClock } from './wall-clock.js';

/** Metrics of my_init itself: its version, its state and its work. */
export function systemMetrics(system: System, clock: WallClock): readonly Family[] {
  const { info, reaping } = system;
  const phase = system.phase();
  const restarts = reaping.controllerRestarts();
  return [
    gauge(
      'my_init_build_info',
      'Always 1; the labels say what is running.',
      ['version', 'node_version'],
      [[1, info.version, process.version]],
    ),
    gauge('my_init_pid1', 'Whether my_init is PID 1 of its PID namespace.', [], [[oneIf(info.pid1)]]),
    gauge(
      'my_init_subreaper',
      'Whether my_init adopts the orphans of its descendants though it is not PID 1.',
      [],
      [[oneIf(info.subreaper)]],
    ),
    gauge(
      'my_init_phase',
      'Whether my_init is in this phase: 1 for one phase, 0 for the others.',
      ['phase'],
      PHASES.map((one): Sample => [oneIf(one === phase), one]),
    ),
    gauge(
      'my_init_started',
      'Whether startup is over: every service that is started at boot, but optional ones, has been ready or completed once.',
      [],
      [[oneIf(system.started())]],
    ),
    gauge(
      'my_init_start_timestamp_seconds',
      'When my_init was started, as Unix time.',
      [],
      [[clock.seconds(info.bootedAtMs)]],
    ),
    counter(
      'my_init_controller_restarts_total',
      'Starts of the controller after the first one, by how the one before ended.',
      ['cause'],
      Object.entries(restarts).map(([cause, count]): Sample => [count, cause]),
    ),
    counter(
      'my_init_refused_orders_total',
      'What PID 1 has refused the controller because a table of it was full, since this controller began.',
      [],
      [[reaping.refusedOrders()]],
    ),
  ];
}

/** Zombies, processes and their limit. */
export function reapingMetrics(
  reaping: Reaping,
  processes: readonly ProcessInfo[],
  services: readonly string[],
): readonly Family[] {
  const reaped = reaping.zombiesReaped();
  const visible = processes.length > 0;
  const pids = cgroupPids();
  return [
    counter(
      'my_init_zombies_reaped_total',
      'Orphans that my_init has reaped, by the service that left them; an empty label when that is not known.',
      ['service'],
      ['', ...services].map((service): Sample => [reaped.get(service) ?? 0, service]),
    ),
    gauge(
      'my_init_zombies',
      'Processes below my_init that are dead and not yet reaped by their parent.',
      [],
      known(visible ? processes.filter(({ state }) => state === 'Z').length : undefined),
    ),
    gauge(
      'my_init_processes',
      'my_init and the processes below it, with zombies.',
      [],
      known(visible ? processes.length : undefined),
    ),
    gauge(
      'my_init_pids_current',
      'Tasks (processes and their threads) in the control group that has the pids limit.',
      [],
      known(pids.current),
    ),
    gauge(
      'my_init_pids_limit',
      'Tasks that the control group may have; absent when there is no limit.',
      [],
      known(pids.limit),
    ),
    gauge(
      'my_init_init_resident_memory_bytes',
      'Resident memory of PID 1, or of what stands for it.',
      [],
      known(residentBytesOfInit(processes)),
    ),
  ];
}

const residentBytesOfInit = (processes: readonly ProcessInfo[]): number | undefined =>
  processes.find(({ role }) => role === 'init')?.residentBytes || undefined;

const PHASES = wordsOf<Phase>({ booting: true, running: true, shutting_down: true });
