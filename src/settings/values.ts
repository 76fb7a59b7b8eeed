/** Reads the text of a setting: each function returns its value or throws a {@link UsageError}. */

import { LISTEN_FORMS, type ListenAddress, parseListenAddress } from '../listen/address.js';
import { parseSize } from '../text/size.js';
import { UsageError } from './usage-error.js';

const DEFAULT_HTTP_PORT = 9180;

/** A setting as a person wrote it. */
export interface SettingText {
  /** The option or variable: `--socket`, `MY_INIT_SOCKET`. */
  readonly from: string;
  readonly text: string;
  readonly exitCode: number;
}

const bad = (source: SettingText, what: string): UsageError =>
  new UsageError(`${source.from}: ${what}, not "${source.text}"`, source.exitCode);

export function seconds(source: SettingText | undefined, least = 0): number | undefined {
  if (source === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(source.text) ? Number(source.text) : Number.NaN;
  if (!(value >= least && value <= 86_400)) throw bad(source, `must be a number of seconds from ${least} to 86400`);
  return value * 1000;
}

/** A limit of time; 0 is no limit, as in baseimage-docker. */
export function limit(source: SettingText | undefined): number | undefined {
  const ms = seconds(source);
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

export function oneOf<T extends string>(source: SettingText | undefined, choices: readonly T[]): T | undefined {
  if (source === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === source.text);
  if (choice === undefined) throw bad(source, `must be one of ${choices.join(', ')}`);
  return choice;
}

export function wholeNumber(source: SettingText | undefined, least: number, most: number): number | undefined {
  if (source === undefined) return undefined;
  const value = /^\d{1,9}$/.test(source.text) ? Number(source.text) : Number.NaN;
  if (!(value >= least && value <= most)) throw bad(source, `must be a whole number from ${least} to ${most}`);
  return value;
}

export function bytes(source: SettingText | undefined): number | undefined {
  if (source === undefined) return undefined;
  const value = parseSize(source.text.toLowerCase());
  if (value === undefined || value > 2 ** 40) throw bad(source, 'must be a size like 65536, 256k, 10m or 1g');
  return value;
}

export function absolute(source: SettingText | undefined): string | undefined {
  if (source && !source.text.startsWith('/')) throw bad(source, 'must be an absolute path');
  return source?.text;
}

/** `sun_path` of unix(7) has 108 bytes, one of them for the end. */
const SOCKET_PATH_BYTES = 107;

export function socketPath(source: SettingText | undefined): string | undefined {
  const path = absolute(source);
  if (source && path && Buffer.byteLength(path) > SOCKET_PATH_BYTES)
    throw bad(
      source,
      `must have at most ${SOCKET_PATH_BYTES} bytes (it has ${Buffer.byteLength(path)}; a Unix socket takes no more)`,
    );
  return path;
}

export function mode(source: SettingText | undefined): number | undefined {
  if (source === undefined) return undefined;
  if (!/^0?[0-7]{3}$/.test(source.text)) throw bad(source, 'must be an octal mode like 0660');
  return Number.parseInt(source.text, 8);
}

/** `none` is undefined. */
export function listenAddress(source: SettingText | undefined): ListenAddress | undefined {
  if (source === undefined) return { host: undefined, port: DEFAULT_HTTP_PORT };
  if (source.text === 'none') return undefined;
  const address = parseListenAddress(source.text);
  if (address === undefined) throw bad(source, `must be like ${LISTEN_FORMS}, or none`);
  return address;
}
