import type * as z from 'zod';
import { routeRow, type RouteName } from '#core/catalogue/routes.ts';
import type { JsonSchema } from '#gateway/json-schema.ts';
import type { Operation, Setting } from '#gateway/operation.ts';
import { parsed } from '#gateway/parse.ts';
import { Problem } from '#gateway/problem.ts';
import { inputSchema, joined } from './input-schema.ts';
import { argumentsPath, looks, type Hints, type Tool, type ToolAsk } from './tool.ts';

interface Offered {
  readonly name: string;
  readonly route: RouteName;
  readonly operation: Operation;
  readonly description: string;
  /** Absent: it only looks. */
  readonly hints?: Hints;
}

/** An operation of the gateway as a tool: its parameters, query and body are one object of arguments. */
export function operationTool({ name, route, operation, description, hints = looks }: Offered): Tool {
  const row = routeRow(route);
  const schemas = [operation.params, operation.query, operation.body].filter((one) => one !== undefined);
  const input = joined(schemas);
  return {
    name,
    title: row.title,
    description,
    input,
    hints,
    row,
    isFor: (roles) => row.roles === 'anyone' || row.roles.some((role) => roles.includes(role)),
    async call(setting, ask) {
      refuseStrangers(ask.given, input);
      const { body } = await handled(setting, operation, ask);
      return body as Record<string, unknown>;
    },
  };
}

function handled(setting: Setting, operation: Operation, { given, ...ask }: ToolAsk): ReturnType<Operation['handle']> {
  const read = (schema: z.ZodType | undefined, of: typeof given) =>
    schema && parsed(schema, Object.fromEntries(ownOf(schema, of)), argumentsPath);
  return operation.handle(setting, {
    ...ask,
    params: read(operation.params, given),
    // As text, since an operation has them from an address.
    query: read(operation.query, Object.fromEntries(Object.entries(given).map(([key, value]) => [key, textOf(value)]))),
    body: read(operation.body, given),
  });
}

const textOf = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);

const ownOf = (schema: z.ZodType, given: ToolAsk['given']): [string, unknown][] => {
  const { properties } = inputSchema(schema);
  return Object.entries(given).filter(([key]) => Object.hasOwn(properties, key));
};

/** @throws Problem REQUEST_INVALID */
function refuseStrangers(given: ToolAsk['given'], { properties }: JsonSchema): void {
  const [stranger] = Object.keys(given).filter((key) => !Object.hasOwn(properties as object, key));
  if (stranger === undefined) return;
  const path = `${argumentsPath}.${stranger.slice(0, 64)}`;
  throw new Problem('REQUEST_INVALID', `${path}: is not known here`, {
    issues: [{ path, message: 'is not known here' }],
  });
}
