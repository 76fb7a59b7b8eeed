// The messages between the server of the dashboard and its page. Types alone: both import them.
import type { Order } from '../model/order.js';
import type { Happening, Span } from '../model/span.js';

export type { Happening, Span };

export interface HostView {
  readonly name: string;
  /** The words that lead to it on a command line. */
  readonly to: readonly string[];
  /** Why the view is not current; '' while it is. */
  readonly lost: string;
  readonly connecting: boolean;
  readonly version: string;
  /** The dashboard may change something, and so may its user. */
  readonly mayChange: boolean;
  readonly bootedAtMs: number;
  readonly controllerRestarts: number;
}

export interface ServiceView {
  readonly name: string;
  readonly state: string;
  readonly style: Span['style'];
  readonly ready: boolean;
  readonly running: boolean;
  readonly trouble: boolean;
  readonly paused: boolean;
  readonly held: string;
  readonly troubleWords: string;
  readonly nextStartAtMs: number;
  readonly startedAtMs: number;
  readonly restarts: number;
  readonly failures: number;
  readonly lastExit: string;
  readonly lastExitAtMs: number;
  readonly pid: number;
  readonly run: number;
  readonly runId: string;
  readonly desired: string;
  readonly cause: string;
  readonly directory: string;
  readonly statusText: string;
  readonly tags: readonly string[];
  readonly spans: readonly Span[];
}

/** CPUs and bytes of memory; processes and open descriptors, -1 when unknown. */
export type Sample = readonly [cpus: number, memory: number, processes: number, descriptors: number];

export interface Samples {
  readonly atMs: readonly number[];
  readonly cpus: readonly number[];
  readonly memory: readonly number[];
}

/** One line of the stream of states. `host` is an index. */
export type StateMessage =
  | { readonly kind: 'hosts'; readonly hosts: readonly HostView[]; readonly readOnly: boolean }
  | {
      readonly kind: 'services';
      readonly host: number;
      readonly changed: readonly ServiceView[];
      readonly removed: readonly string[];
    }
  | { readonly kind: 'history'; readonly host: number; readonly services: Readonly<Record<string, Samples>> }
  | {
      readonly kind: 'usage';
      readonly host: number;
      readonly atMs: number;
      readonly services: Readonly<Record<string, Sample>>;
    }
  | { readonly kind: 'happenings'; readonly host: number; readonly happenings: readonly Happening[] }
  | { readonly kind: 'beat' };

export type LogRow =
  | {
      readonly kind: 'line';
      readonly host: number;
      readonly service: string;
      readonly atMs: number;
      readonly stderr: boolean;
      readonly text: string;
    }
  /** Lines that were lost, or that the page was too slow for. */
  | {
      readonly kind: 'gap' | 'marker';
      readonly host: number;
      readonly service: string;
      readonly atMs: number;
      readonly text: string;
    };

/** One line of a stream of logs. */
export type LogMessage =
  | { readonly kind: 'rows'; readonly rows: readonly LogRow[] }
  | { readonly kind: 'skipped'; readonly count: number }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'beat' };

export interface OrderRequest {
  readonly order: Order;
  readonly targets: readonly { readonly host: number; readonly names: readonly string[] }[];
}

export interface OrderAnswer {
  readonly lines: readonly string[];
}

export interface BootAnswer {
  readonly svg: string;
  readonly words: string;
  readonly steps: readonly {
    readonly name: string;
    readonly waited: string;
    readonly started: string;
    readonly ended: string;
    readonly outcome: string;
    readonly critical: boolean;
  }[];
}

export interface GraphAnswer {
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly condition: string;
  }[];
}

export interface ProcessView {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly service: string;
  readonly role: string;
  readonly state: string;
  /** The parent of the process died: init became its parent. */
  readonly orphan: boolean;
  readonly memory: number;
  readonly cpuSeconds: number;
  readonly startedAtMs: number;
}

export interface ProcessesAnswer {
  readonly processes: readonly ProcessView[];
  readonly reaped: string;
}

export interface DetailAnswer {
  readonly explanation: readonly { readonly service: string; readonly lines: readonly string[] }[];
  readonly definition: readonly { readonly key: string; readonly value: string; readonly from: string }[];
  readonly history: readonly string[];
}
