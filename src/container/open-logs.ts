import { LOG_RECORD } from '../logs/capture/source-record.js';
import { OWN_SOURCE, Sources } from '../logs/capture/sources.js';
import { ContainerOutput } from '../logs/forward/container-output.js';
import type { Handover, InitLink } from '../process/init-link.js';
import type { Settings } from '../settings/settings.js';
import { VERSION } from '../settings/version.js';
import type { Records } from '../state/records.js';

export interface OpenLogs {
  readonly logs: Sources;
  readonly output: ContainerOutput;
}

/**
 * Opens the logs and the container's output. From here on every message is kept, my_init's own too.
 */
export function openLogs(
  link: InitLink,
  { held, generation }: Handover,
  { config, messages }: Settings,
  records: Records,
  bootId: string,
): OpenLogs {
  const table = records.table(LOG_RECORD);
  const logs = new Sources({
    link,
    bootId,
    held,
    generation,
    storeBytes: config.logBufferBytes,
    allStoresBytes: config.logBuffersBytes,
    directory: config.logDirectory,
    files: { bytes: config.logFileBytes, files: config.logFiles },
    record: table.put,
    erase: table.erase,
    warn: (text) => messages.warn(text),
  });
  for (const [name, record] of table.saved) logs.restore(name, record);
  const recovered = logs.recover();
  const own = logs.open(OWN_SOURCE);
  if (own) messages.keepIn((line) => own.say(line));
  if (records.hasNewer)
    messages.error(
      `The records are of a newer version of my_init than this one, ${VERSION}, and cannot be read: what is on disk has been replaced by an older one`,
    );
  for (const name of recovered)
    messages.error(
      `${name}: the record of its log is lost; the log goes on, but does not know any more when runs began and ended`,
    );
  return { logs, output: new ContainerOutput(logs, config.logOutput) };
}
