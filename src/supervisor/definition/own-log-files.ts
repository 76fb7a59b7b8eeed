import type { ServiceName } from '../../types/service.js';
import type { YamlService } from './read-yaml.js';
import { REPLICA_VARIABLE } from './replicas.js';

/**
 * Refuses services that log to the file of another: each would rotate it away from under the other.
 * The first keeps it.
 */
export function withOwnLogFiles(
  services: ReadonlyMap<ServiceName, YamlService>,
): ReadonlyMap<ServiceName, YamlService> {
  const users = new Map<string, ServiceName>();
  const judged = [...services].map(([name, service]): [ServiceName, YamlService] => {
    const file = service.definition.log?.file;
    const other = file === undefined ? undefined : users.get(file);
    if (file !== undefined && other === undefined) users.set(file, name);
    return [name, other === undefined ? service : refused(service, other)];
  });
  return users.size === 0 ? services : new Map(judged);
}

function refused({ definition, problems }: YamlService, other: ServiceName): YamlService {
  const { name, log, origins, replicas } = definition;
  const origin = origins.get('log.file') ?? { file: '', line: 0, column: 0 };
  const message = `${name} logs to ${log?.file}, the file of ${other}`;
  const remedy =
    replicas === undefined ? 'give each service its own file' : `put \${${REPLICA_VARIABLE}} into its name`;
  const problem = {
    id: 'log-file-twice',
    severity: 'error',
    service: name,
    key: 'log.file',
    origin,
    message,
    remedy,
  } as const;
  return { definition, problems: [...problems, problem] };
}
