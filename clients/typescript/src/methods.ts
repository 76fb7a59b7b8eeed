import type { Method } from './channel.js';
import { HealthDefinition } from './gen/grpc/health/v1/health.js';
import { DefinitionsDefinition } from './gen/my_init/v1/definitions.js';
import { InitDefinition } from './gen/my_init/v1/init.js';
import { LogsDefinition } from './gen/my_init/v1/logs.js';
import { ServicesDefinition } from './gen/my_init/v1/services.js';

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

interface Definition<Request, Response> {
  readonly name: string;
  readonly requestType: Codec<Request>;
  readonly responseType: Codec<Response>;
}

type MethodTable<All> = {
  readonly [Name in keyof All]: All[Name] extends Definition<infer Request, infer Response>
    ? Method<Request, Response>
    : never;
};

/** The methods of the API, as {@link Connection} calls them. */
export const Services = methodsOf(ServicesDefinition);
export const Logs = methodsOf(LogsDefinition);
export const Init = methodsOf(InitDefinition);
export const Definitions = methodsOf(DefinitionsDefinition);
export const Health = methodsOf(HealthDefinition);

function methodsOf<All extends object>(service: {
  readonly fullName: string;
  readonly methods: All;
}): MethodTable<All> {
  const definitions = Object.entries(service.methods) as [string, Definition<unknown, unknown>][];
  const entries = definitions.map(([key, { name, requestType, responseType }]) => [
    key,
    { path: `/${service.fullName}/${name}`, request: requestType, response: responseType },
  ]);
  return Object.fromEntries(entries) as MethodTable<All>;
}
