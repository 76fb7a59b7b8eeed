/** Definitions, as the API reports them. */

export interface ShownValue {
  readonly key: string;
  /** As JSON, in the words of service.yaml. */
  readonly value: string;
  /** undefined for a default. */
  readonly origin: { readonly file: string; readonly line: number; readonly column: number } | undefined;
}

export interface ShownDefinition {
  readonly name: string;
  readonly values: readonly ShownValue[];
  /** '' when nothing is wrong with it. */
  readonly problem: string;
  readonly changed: boolean;
}

/** `take`: the new values are taken over, the process goes on. */
export type ApplyAction = 'nothing' | 'take' | 'restart' | 'start' | 'stop';

export interface PlannedChange {
  readonly name: string;
  readonly action: ApplyAction;
  readonly keys: readonly string[];
  /** Why the new definition cannot be taken over; '' when it can. */
  readonly problem: string;
}

export interface Explanation {
  readonly service: string;
  readonly facts: readonly string[];
  readonly next: string;
  readonly remedies: readonly string[];
  /** A run has ended: the last lines of the service's log say more. */
  readonly seeLog: boolean;
}

/**
 * Shows definitions, and takes over changed ones. `names`: none means all. Throws an
 * OperationFailure for an unknown name.
 */
export interface DefinitionControl {
  show(names: readonly string[]): readonly ShownDefinition[];
  plan(names: readonly string[]): Promise<readonly PlannedChange[]>;
  /** An order that is repeated with its id is answered as before; '' names none. */
  apply(
    names: readonly string[],
    order: { readonly actor: string; readonly requestId: string },
  ): Promise<readonly PlannedChange[]>;
  explain(name: string): readonly Explanation[];
}
