import * as z from 'zod';

export type JsonSchema = Record<string, unknown>;

/** The schema as JSON Schema 2020-12, which OpenAPI 3.1 speaks, too. What JSON cannot say of it is left open. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  // As it is sent: without what hangs on it for other libraries.
  return JSON.parse(JSON.stringify(rest)) as JsonSchema;
}

/** Schemas that have a name, gathered from wherever they are used. */
export interface Components {
  readonly schemas: Map<string, JsonSchema>;
  /** The schema, with references to those that have a name. */
  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema;
}

export function components(): Components {
  const schemas = new Map<string, JsonSchema>();
  return {
    schemas,
    of(schema, io) {
      const whole = JSON.stringify(jsonSchemaOf(schema, io)).replaceAll('"#/$defs/', '"#/components/schemas/');
      const { $defs: defs, ...rest } = JSON.parse(whole) as JsonSchema;
      for (const [name, one] of Object.entries((defs ?? {}) as Record<string, JsonSchema>)) {
        const { id: _id, ...known } = one;
        const before = schemas.get(name);
        if (before && JSON.stringify(before) !== JSON.stringify(known)) {
          throw new TypeError(`two schemas are called ${name}: give one of them another id`);
        }
        schemas.set(name, known);
      }
      return rest;
    },
  };
}
