import { ForbiddenSignals } from '../process/forbidden-signals.js';
import type { Handover, InitLink } from '../process/init-link.js';
import { LinuxProcessHost } from '../process/linux-process-host.js';
import type { ProcessHost } from '../process/process-host.js';
import { SessionSweeper } from '../process/session-sweeper.js';
import { ContainerLimits, LIMITS_RECORD } from '../resources/container-limits.js';
import { OOM_RECORD, OomKills } from '../resources/oom-kills.js';
import type { Settings } from '../settings/settings.js';
import { BOOT_SCRIPT, BootScripts } from './boot/boot-scripts.js';
import { MainCommand } from './main-command.js';
import { type OpenLogs, openLogs } from './open-logs.js';
import { type Orders, openOrders } from './open-orders.js';
import type { OpenRecords } from './open-records.js';
import { type OpenServices, openServices } from './open-services.js';
import { ORPHAN_RECORD, OrphanCounts } from './reaping.js';
import { SCRIPT_RECORD, ScriptRunner } from './script-runner.js';
import { ContainerShutdown } from './shutdown/container-shutdown.js';
import { HOOK_RECORD } from './shutdown/hooks.js';

/**
 * All parts of a container. Only the entry has them all: other code names the parts that it needs.
 */
export interface Container extends Omit<OpenRecords, 'records'>, OpenLogs, OpenServices {
  readonly link: InitLink;
  readonly handover: Handover;
  readonly settings: Settings;
  readonly host: ProcessHost;
  readonly command: MainCommand;
  readonly scripts: ScriptRunner;
  readonly reaping: OrphanCounts;
  readonly bootScripts: BootScripts;
  readonly shutdown: ContainerShutdown;
  readonly orders: Orders;
  readonly limits: ContainerLimits;
}

/**
 * Opens the parts, each with those before it: logs, processes, services. Nothing is started yet.
 */
export function openContainer(
  link: InitLink,
  handover: Handover,
  settings: Settings,
  { records, state, starts, previous }: OpenRecords,
): Container {
  const { messages, containerEnvironment, line } = settings;
  const { logs, output } = openLogs(link, handover, settings, records, state.now.bootId);

  const limits = new ContainerLimits(records.entry(LIMITS_RECORD));
  const oomKills = new OomKills(records.entry(OOM_RECORD));
  const forbidden = new ForbiddenSignals((text) => messages.warn(text));
  const sweeper = new SessionSweeper(handover.initPid, forbidden);
  const host = new LinuxProcessHost(link, handover.openFilesLimit, starts, sweeper, forbidden, oomKills);
  const command = new MainCommand(host, line.command);
  const script = records.entry(SCRIPT_RECORD);
  const scripts = new ScriptRunner(host, messages, () => containerEnvironment.current, logs, script);

  const { bootId, commandPid, restarts } = state.now;
  const scriptPid = script.saved?.pid ?? 0;
  const processes = { host, sweeper, starts, commandPid, scriptPid };
  const endContainer = (code: number, reason: string): void =>
    shutdown.begin({ code, reason, cause: { kind: 'check' }, signal: 'SIGTERM' });
  const services = openServices({ link, handover, settings, records, bootId, logs, ...processes, endContainer });
  const { set, watch } = services;

  const reaping = new OrphanCounts(link, set, handover.reapedTotal, restarts, records.table(ORPHAN_RECORD));
  const hooks = records.table(HOOK_RECORD);
  const shutdown = new ContainerShutdown({ link, settings, state, scripts, hooks, set, watch, command, output });
  const bootScripts = new BootScripts(records.table(BOOT_SCRIPT));
  const orders = openOrders(records);
  const opened = { state, starts, previous, logs, output, host, command, scripts, reaping, bootScripts, shutdown };
  return { link, handover, settings, orders, limits, ...opened, ...services };
}
