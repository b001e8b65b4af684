import type * as z from 'zod';
import { jsonSchemaOf, type JsonSchema } from '#gateway/json-schema.ts';

/**
 * The schema of an object as models read it best: every reference written out, since many clients hand a schema on to a
 * model that follows none, and no pattern where a format says the same in one word.
 *
 * @throws TypeError for what is no object: arguments are one.
 */
export function inputSchema(schema: z.ZodType): JsonSchema & { readonly properties: JsonSchema } {
  const { $defs: named = {}, ...rest } = jsonSchemaOf(schema, 'input');
  const whole = plain(rest, named as JsonSchema) as JsonSchema;
  if (whole['type'] === 'object') return { properties: {}, ...whole };
  throw new TypeError('a tool takes an object: give its task a payload that is one');
}

function plain(node: unknown, named: JsonSchema): unknown {
  if (Array.isArray(node)) return node.map((one) => plain(one, named));
  if (typeof node !== 'object' || node === null) return node;
  const { $ref, ...own } = node as JsonSchema;
  if (typeof $ref === 'string') return plain({ ...(named[$ref.replace('#/$defs/', '')] as object), ...own }, named);
  if (own['format'] === 'date' || own['format'] === 'date-time') delete own['pattern'];
  return Object.fromEntries(Object.entries(own).map(([key, value]) => [key, plain(value, named)]));
}

/** Several as one; a field stands in one of them alone. */
export function joined(schemas: readonly z.ZodType[]): JsonSchema {
  const all = schemas.map(inputSchema);
  return {
    type: 'object',
    properties: Object.assign({}, ...all.map(({ properties }) => properties)) as JsonSchema,
    required: all.flatMap(({ required = [] }) => required as string[]),
    additionalProperties: false,
  };
}
