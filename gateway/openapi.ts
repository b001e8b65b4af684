/** The interface as OpenAPI 3.1, made of the same schemas that requests are read by. */
import type * as z from 'zod';
import type { RouteRow } from '#core/catalogue/routes.ts';
import type { Mounted } from './door.ts';
import { ifMatchPattern } from './etag.ts';
import { components, type Components, type JsonSchema } from './json-schema.ts';
import type { Operation } from './operation.ts';
import { problems as problemRows, type ProblemCode } from './problem.ts';
import { problem } from './schemas/common.ts';
import { apiVersion } from './schemas/version.ts';

export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Record<string, Record<string, ApiOperation>>;
  readonly [more: string]: unknown;
}
export interface ApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Record<string, ApiResponse>;
  readonly security: readonly object[];
  readonly 'x-roles': RouteRow['roles'];
  readonly 'x-step-up': RouteRow['stepUp'];
}
type Content = Record<string, { readonly schema: JsonSchema }>;
interface ApiResponse {
  readonly description: string;
  readonly headers?: Record<string, unknown>;
  readonly content?: Content;
}
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: unknown;
  readonly schema: JsonSchema;
}

export function openApi(all: readonly Mounted[]): OpenApi {
  const known = components();
  const paths: OpenApi['paths'] = {};
  for (const mounted of all) {
    const { path, method } = mounted.row;
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(mounted, known) };
  }
  known.of(problem, 'output');
  return {
    openapi: '3.1.0',
    info: {
      title: 'AlphaSwarm gateway',
      version: apiVersion,
      description: 'The background plane: start, watch, stop and account for work.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: Object.fromEntries(known.schemas),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function described({ name, row, operation }: Mounted, known: Components): ApiOperation {
  const { body, documentedBody = body } = operation;
  const request = documentedBody && {
    required: operation.bodyIsOptional !== true,
    content: { 'application/json': { schema: known.of(documentedBody, 'input') } },
  };
  return {
    operationId: name,
    summary: row.title,
    tags: [row.path.split('/')[1] ?? ''],
    parameters: parametersOf(row, operation, known),
    ...(request ? { requestBody: request } : {}),
    responses: { ...successOf(operation, known), ...problemsOf(row, operation) },
    security: row.roles === 'anyone' ? [] : [{ token: [] }],
    'x-roles': row.roles,
    'x-step-up': row.stepUp,
  };
}

function parametersOf(row: RouteRow, operation: Operation, known: Components): Parameter[] {
  return [
    ...fieldsOf(operation.params, 'path', known),
    ...fieldsOf(operation.query, 'query', known),
    ...(row.method === 'POST' ? [idempotencyKey] : []),
    ...(operation.ifMatch === undefined ? [] : [ifMatch(operation.ifMatch)]),
  ];
}

const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request is done once, and answered the same, for 24 hours',
  schema: { type: 'string', pattern: '^(?!\\.)[A-Za-z0-9_.:@-]{1,64}$' },
};
const ifMatch = (description: string): Parameter => ({
  name: 'If-Match',
  in: 'header',
  required: false,
  description,
  schema: { type: 'string', format: 'etag', pattern: ifMatchPattern.source },
});

function fieldsOf(schema: z.ZodType | undefined, where: 'path' | 'query', known: Components): Parameter[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = known.of(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function successOf(operation: Operation, known: Components): Record<string, ApiResponse> {
  const { status, otherStatus = {}, headers = {}, contentType = 'application/json', answer } = operation;
  const content = { [contentType]: { schema: known.of(answer, 'output') } };
  const said = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  const others = Object.entries(otherStatus).map(([code, description]) => [code, { description, content }]);
  return {
    [status]: { description: 'As asked', ...(said.length > 0 ? { headers: Object.fromEntries(said) } : {}), content },
    ...(Object.fromEntries(others) as Record<string, ApiResponse>),
  };
}

/** What can go wrong by where a route stands and what it takes, beside what its operation says of itself. */
function codesOf({ method, roles, stepUp }: RouteRow, operation: Operation): ProblemCode[] {
  const posts = method === 'POST';
  return [
    ...(roles === 'anyone' ? [] : everyCaller),
    ...(stepUp === 'never' ? [] : (['STEP_UP_REQUIRED'] as const)),
    ...(posts ? everyPost : []),
    'REQUEST_INVALID',
    ...operation.problems,
    'INTERNAL',
  ];
}
const everyCaller = [
  'UNAUTHENTICATED',
  'ROLE_INSUFFICIENT',
  'RATE_LIMITED',
  'IDENTITY_UNAVAILABLE',
  'DEPENDENCY_UNAVAILABLE',
] as const;
const everyPost = ['BODY_TOO_LARGE', 'CONTENT_TYPE_UNSUPPORTED', 'IDEMPOTENCY_KEY_REUSED', 'IN_PROGRESS'] as const;

function problemsOf(row: RouteRow, operation: Operation): Record<string, ApiResponse> {
  const schema = { $ref: '#/components/schemas/Problem' };
  const taken = new Set([operation.status, ...Object.keys(operation.otherStatus ?? {}).map(Number)]);
  const byStatus = Map.groupBy(new Set(codesOf(row, operation)), (code) => problemRows[code]?.status ?? 500);
  const statuses = [...byStatus].filter(([status]) => !taken.has(status)).toSorted(([one], [other]) => one - other);
  return Object.fromEntries(
    statuses.map(([status, codes]) => [
      status,
      { description: codes.join(', '), content: { 'application/problem+json': { schema } } },
    ]),
  );
}
