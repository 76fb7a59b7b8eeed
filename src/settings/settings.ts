import { fstatSync, readSync } from 'node:fs';
import { type Environment, parseEnvironment } from '../process/environment.js';
import type { Handover } from '../process/init-link.js';
import { ContainerEnvironment } from './container-environment.js';
import { EXIT } from './exit-codes.js';
import type { Messages } from './messages.js';
import { type CommandLine, type Config, configure, helpText, parseCommandLine } from './options.js';
import { UsageError } from './usage-error.js';
import { VERSION } from './version.js';

const CONTAINER_ENVIRONMENT = '/etc/container_environment';

/**
 * The container's configuration: command line, variables, and the files in its environment
 * directory.
 */
export interface Settings {
  readonly line: CommandLine;
  readonly config: Config;
  readonly messages: Messages;
  readonly containerEnvironment: ContainerEnvironment;
}

/** Reads the settings; ends the process where they cannot be used, or where only help is wanted. */
export function settingsOrExit(handover: Handover, messages: Messages): Settings {
  try {
    const line = parseCommandLine(process.argv.slice(2));
    if (line.help || line.version) {
      process.stdout.write(line.help ? helpText() : `my_init ${VERSION}\n`);
      process.exit(EXIT.ok);
    }
    return readSettings(line, handover, messages);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    messages.error(error.message);
    process.exit(error.exitCode);
  }
}

/**
 * The first controller reads the environment directory too, so that a setting can be a file there;
 * a later one goes on with the environment as the startup scripts left it.
 */
function readSettings(line: CommandLine, handover: Handover, messages: Messages): Settings {
  const environment = heldEnvironment(handover, 'environment') ?? heldEnvironment(handover, 'environ') ?? new Map();
  const warn = (text: string) => messages.warn(text);
  const containerEnvironment = new ContainerEnvironment(CONTAINER_ENVIRONMENT, environment, warn);
  if (handover.generation === 1) containerEnvironment.begin();
  const config = configure(line, containerEnvironment.current);
  messages.level = config.logLevel;
  return { line, config, messages, containerEnvironment };
}

function heldEnvironment(handover: Handover, name: string): Environment | undefined {
  const fd = handover.held.get(name);
  if (fd === undefined) return undefined;
  const block = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, block, 0, block.length, 0);
  return parseEnvironment(block);
}
