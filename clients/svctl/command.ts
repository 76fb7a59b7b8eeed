import type { Context } from './context.js';
import type { ExitCode } from './exit-code.js';
import type { HostContext } from './hosts/host-context.js';
import type { OptionSpec } from './options.js';

/** The kind of words that follow a command, for its completion. */
export type Operands = 'services' | 'signal-and-services' | 'health' | 'shell' | 'program' | 'none';

/** One command of svctl: its help, its completion and its action. */
export interface Command {
  readonly name: string;
  /** A few words for the list of commands. */
  readonly summary: string;
  /** The words after the name, as the usage line shows them. */
  readonly usage: string;
  readonly operands: Operands;
  /** The description of the command, in full sentences. */
  readonly description: string;
  readonly examples: readonly string[];
  /**
   * The effect on several hosts. When undefined, the command changes the hosts, so it lists them
   * first and needs --yes.
   */
  readonly hosts?: 'reads' | 'follows' | 'one' | 'none';
  /** Options beside the common ones. */
  readonly options: readonly OptionSpec[];
  /** `commands` are all of them, for the completion. */
  readonly run: (context: Context, commands: Commands) => Promise<ExitCode>;
  /**
   * The same for several hosts at once, where their answers are not simply shown one below the
   * other.
   */
  readonly runOnHosts?: (hosts: readonly HostContext[], terminal: Context) => Promise<ExitCode>;
}

/** The first command is the default. */
export type Commands = readonly [Command, ...Command[]];
