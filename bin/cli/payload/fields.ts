// One flag a field: what the schema of a payload says, as flags.
import * as z from 'zod';
import type { Field, Kind } from './flag.ts';

/** As much of JSON Schema as zod writes for payloads. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
}

/** The fields of a payload, and those of them that can hold one value alone. */
export function fieldsOf(payload: z.ZodType): { fields: readonly Field[]; fixed: readonly Field[] } {
  const all = fieldsOfSchema(z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any' }));
  const isFixed = ({ required, choices }: Field) => required && choices?.length === 1;
  return { fields: all, fixed: all.filter(isFixed) };
}

/** The same of a schema that somebody else has written down, such as a gateway of another release. */
export const fieldsOfSchema = (schema: unknown): Field[] =>
  merged(within(schema as Schema, { path: [], required: true }));

interface At {
  readonly path: readonly string[];
  readonly required: boolean;
}

function within(schema: Schema, at: At): Field[] {
  const variants = schema.anyOf ?? schema.oneOf;
  // Of several ways to say it none is needed by itself.
  if (variants) return variants.flatMap((one) => within(one, { ...at, required: false })).map(withDefault(schema, at));
  if (schema.properties) return ofProperties(schema, at);
  if (typeof schema.additionalProperties === 'object')
    return [{ path: at.path, kinds: kindsOf(schema.additionalProperties), required: false, open: true }];
  return [leaf(schema, at)];
}

/** A default stands on the union, and belongs to the flag of the union itself. */
const withDefault =
  (schema: Schema, { path }: At) =>
  (field: Field): Field =>
    schema.default !== undefined && field.path.length === path.length ? { ...field, default: schema.default } : field;

const ofProperties = ({ properties = {}, required = [], default: whole }: Schema, at: At): Field[] =>
  Object.entries(properties).flatMap(([name, property]) =>
    within(property, {
      path: [...at.path, name],
      required: at.required && whole === undefined && required.includes(name),
    }),
  );

function leaf(schema: Schema, { path, required }: At): Field {
  const values = schema.const === undefined ? schema.enum : [schema.const];
  return {
    path,
    kinds: kindsOf(schema),
    required,
    ...(values ? { choices: values.map(String) } : {}),
    ...(schema.default === undefined ? {} : { default: schema.default }),
  };
}

function kindsOf(schema: Schema): Kind[] {
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) return [...new Set(variants.flatMap(kindsOf))];
  const { type } = schema;
  return type === 'string' || type === 'number' || type === 'integer' || type === 'boolean' ? [type] : ['json'];
}

/** Several variants may have the same field: one flag, which takes what any of them takes. */
function merged(fields: readonly Field[]): Field[] {
  const byPath = Map.groupBy(fields, ({ path, open }) => `${path.join('.')}${open ? '.*' : ''}`);
  return [...byPath.values()].map((same) => {
    const choices = same.every((field) => field.choices) ? same.flatMap((field) => field.choices ?? []) : undefined;
    const { choices: _, ...first } = Object.assign({}, ...same) as Field;
    return {
      ...first,
      kinds: [...new Set(same.flatMap(({ kinds }) => kinds))],
      required: same.every(({ required }) => required),
      ...(choices ? { choices: [...new Set(choices)] } : {}),
    };
  });
}
