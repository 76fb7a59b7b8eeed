import { DEFAULTS, SERVICE } from './keys.js';
import type { JsonSchema } from './shapes.js';
import { SERVICE_NAME } from './values.js';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** A oneshot has neither `ready` nor `live`. */
const service: JsonSchema = {
  ...SERVICE.schema,
  not: {
    required: ['type'],
    properties: { type: { const: 'oneshot' } },
    anyOf: [{ required: ['ready'] }, { required: ['live'] }],
  },
};

/** The schema of `service.yaml` in a service directory. */
export const serviceSchema = (): JsonSchema => ({
  $schema: DIALECT,
  title: 'service.yaml: a service of my_init',
  ...service,
  // A directory is one service.
  allOf: [{ not: { required: ['replicas'] } }],
});

/** The schema of `/etc/my_init/services.yaml` and of the files in `services.d`. */
export const servicesSchema = (): JsonSchema => ({
  $schema: DIALECT,
  title: 'services.yaml: the services of my_init',
  type: 'object',
  properties: {
    services: {
      description: 'The services, by name.',
      type: ['object', 'null'],
      patternProperties: { [SERVICE_NAME.pattern.source]: { $ref: '#/$defs/service' }, '^x-': {} },
      additionalProperties: false,
    },
    defaults: {
      description: 'Keys that hold for each service of the files that does not have them itself.',
      anyOf: [DEFAULTS.schema, { type: 'null' }],
    },
  },
  patternProperties: { '^x-': {} },
  additionalProperties: false,
  $defs: { service: { ...service, required: ['command'] } },
});
