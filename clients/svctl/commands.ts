import type { Command } from './command.js';
import { apply, diff } from './commands/apply.js';
import { boot } from './commands/boot.js';
import { completion } from './commands/completion.js';
import { config } from './commands/config.js';
import { dashboard } from './commands/dashboard.js';
import { explain } from './commands/explain.js';
import { health } from './commands/health.js';
import { hold, release } from './commands/hold.js';
import { info } from './commands/info.js';
import { logs } from './commands/logs.js';
import { ps } from './commands/ps.js';
import { reexec } from './commands/reexec.js';
import { rescan } from './commands/rescan.js';
import { reset } from './commands/reset.js';
import { restart } from './commands/restart.js';
import { run } from './commands/run.js';
import { scale } from './commands/scale.js';
import { shutdown } from './commands/shutdown.js';
import { reload, signal } from './commands/signal.js';
import { once, start } from './commands/start.js';
import { status } from './commands/status.js';
import { stop } from './commands/stop.js';
import { top } from './commands/top.js';
import { version } from './commands/version.js';
import { watch } from './commands/watch.js';

/** All commands, in the order of the help. The first command is the default. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  status,
  start,
  stop,
  restart,
  reload,
  signal,
  once,
  run,
  scale,
  hold,
  release,
  reset,
  logs,
  watch,
  top,
  dashboard,
  explain,
  config,
  diff,
  apply,
  boot,
  health,
  info,
  ps,
  rescan,
  reexec,
  shutdown,
  completion,
  version,
];
