import { resolve } from 'node:path';
import type { ServiceName } from '../../types/service.js';
import type { Definition, Problem } from './definition.js';
import type { YamlService } from './read-yaml.js';
import { REPLICA_VARIABLE, replicaOf } from './replicas.js';

type User = Pick<Definition, 'name' | 'origins'>;

/**
 * Two services with one log file are refused: each would rotate it away from under the other. The
 * first keeps it.
 */
export class LogFiles {
  readonly #users = new Map<string, User>();

  /** The other service that keeps the log file of this one. */
  otherWith({ name, log }: Definition): User | undefined {
    const user = log?.file === undefined ? undefined : this.#users.get(resolve(log.file));
    return user?.name === name ? undefined : user;
  }

  /**
   * Gives a file to this service from now on, unless another service has it; undefined: the service
   * has no file any more.
   */
  keep(user: User, file: string | undefined): void {
    this.forget(user.name);
    if (file !== undefined && !this.#users.has(resolve(file))) this.#users.set(resolve(file), user);
  }

  forget(name: ServiceName): void {
    for (const [file, user] of this.#users) if (user.name === name) this.#users.delete(file);
  }
}

/** Refuses services that log to the file of another one before them. */
export function withOwnLogFiles(
  services: ReadonlyMap<ServiceName, YamlService>,
): ReadonlyMap<ServiceName, YamlService> {
  const files = new LogFiles();
  const judged = [...services].map(([name, service]): [ServiceName, YamlService] => {
    const { definition, problems } = service;
    const other = files.otherWith(definition);
    if (other === undefined) files.keep(definition, definition.log?.file);
    return [
      name,
      other === undefined ? service : { definition, problems: [...problems, logFileTwice(definition, other)] },
    ];
  });
  return new Map(judged);
}

/** The problem of a service that logs to the file of another one. */
export function logFileTwice(definition: Definition, other: User): Problem {
  const { name, log, origins } = definition;
  const origin = origins.get('log.file') ?? { file: '', line: 0, column: 0 };
  const ofOther = other.origins.get('log.file');
  const isElsewhere = ofOther?.file !== origin.file || ofOther.line !== origin.line;
  const place = ofOther && isElsewhere ? ` (${ofOther.file}:${ofOther.line})` : '';
  const replicated = replicaOf(definition);
  return {
    id: 'log-file-twice',
    severity: 'error',
    service: name,
    key: 'log.file',
    origin,
    message: `${name} logs to ${log?.file}, the file of ${other.name}${place}`,
    remedy:
      replicated !== undefined && other.name.startsWith(`${replicated}@`)
        ? `put \${${REPLICA_VARIABLE}} into its name`
        : 'give each service its own file',
  };
}
