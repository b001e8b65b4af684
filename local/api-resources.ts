// The APIs of the template with their routes: what API Gateway v2 makes of Api, Integration, Route and Stage.
import * as z from 'zod';
import type { Resource } from '#local/assembly.ts';
import { PlaneError } from '#local/errors.ts';
import { parseProperties } from '#local/properties.ts';
import type { Resolver } from '#local/resolver.ts';

export interface ApiSpec {
  logicalId: string;
  /** As `requestContext.apiId`. */
  id: string;
  protocol: 'HTTP' | 'WEBSOCKET';
  stage: string;
  /** Where a message names its route, of a WebSocket API: `action` of `$request.body.action`. */
  routeSelection?: string;
  routes: RouteSpec[];
}

export interface RouteSpec {
  /** `POST /runs/{id}/cancel`, `ANY /mcp`, `$default`, `$connect`. */
  key: string;
  functionName: string;
  timeoutMs: number;
  /** Absent where the stage sets none. */
  throttle?: ThrottleSpec;
}

export interface ThrottleSpec {
  ratePerSecond: number;
  burst: number;
}

const apiSchema = z.object({
  ProtocolType: z.enum(['HTTP', 'WEBSOCKET']),
  RouteSelectionExpression: z
    .string()
    .transform((expression, context) => {
      const key = /^\$\{?request\.body\.(\w+)\}?$/.exec(expression)?.[1];
      if (key !== undefined) return key;
      // What an HTTP API takes, whose routes need no selection.
      if (expression === '$request.method $request.path') return undefined;
      context.addIssue(`${expression} is not of the form $request.body.NAME`);
      return z.NEVER;
    })
    .optional(),
});

const integrationSchema = z.object({
  ApiId: z.string(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.string().optional(),
  TimeoutInMillis: z.coerce.number().optional(),
});

const routeSchema = z.object({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.literal('NONE').default('NONE'),
});

const settingsSchema = z.object({
  ThrottlingRateLimit: z.coerce.number().optional(),
  ThrottlingBurstLimit: z.coerce.number().optional(),
});

const stageSchema = z.object({
  ApiId: z.string(),
  StageName: z.string(),
  DefaultRouteSettings: settingsSchema.optional(),
  RouteSettings: z.record(z.string(), settingsSchema).default({}),
});

type Integration = z.infer<typeof integrationSchema>;
type Stage = z.infer<typeof stageSchema>;

/** Throws TEMPLATE_UNSUPPORTED for what the local doors do not do. */
export function apiSpecs(resolver: Resolver): ApiSpec[] {
  const parts = partsOf(resolver);
  const specs = resolver.ofType('AWS::ApiGatewayV2::Api').map((resource) => apiSpec(resolver, resource, parts));
  for (const protocol of ['HTTP', 'WEBSOCKET'] as const) {
    const [, second] = specs.filter((spec) => spec.protocol === protocol);
    if (second)
      throw unsupported(`${second.logicalId} is a second API of protocol ${protocol}, and each has one port here`);
  }
  return specs;
}

type Parts = ReturnType<typeof partsOf>;

function partsOf(resolver: Resolver) {
  const integrations = resolver
    .ofType('AWS::ApiGatewayV2::Integration')
    .map((resource): [string, Integration] => [
      `integrations/${resolver.attribute(resource, 'Ref')}`,
      parseProperties(resolver, resource, integrationSchema),
    ]);
  const routes = resolver
    .ofType('AWS::ApiGatewayV2::Route')
    .map((resource) => ({ logicalId: resource.logicalId, ...parseProperties(resolver, resource, routeSchema) }));
  const stages = resolver
    .ofType('AWS::ApiGatewayV2::Stage')
    .map((resource) => parseProperties(resolver, resource, stageSchema));
  return { integrations: new Map(integrations), routes, stages };
}

function apiSpec(resolver: Resolver, resource: Resource, { integrations, routes, stages }: Parts): ApiSpec {
  const { logicalId } = resource;
  const api = parseProperties(resolver, resource, apiSchema);
  const id = resolver.attribute(resource, 'Ref');
  const [stage, ...others] = stages.filter(({ ApiId }) => ApiId === id);
  if (!stage || others.length > 0)
    throw unsupported(`${logicalId} has ${others.length > 0 ? 'several stages' : 'no stage'}, where one belongs`);
  const limitMs = api.ProtocolType === 'HTTP' ? 30_000 : 29_000;
  const routeSpec = (route: Parts['routes'][number]): RouteSpec => {
    const integration = integrations.get(route.Target);
    if (integration?.ApiId !== id)
      throw unsupported(`the route ${route.logicalId} leads to ${route.Target}, which is no integration of its API`);
    if (api.ProtocolType === 'HTTP' && integration.PayloadFormatVersion !== '2.0')
      throw unsupported(`the integration of ${route.logicalId} has not the PayloadFormatVersion 2.0`);
    return {
      key: route.RouteKey,
      functionName: functionNameOf(integration.IntegrationUri),
      timeoutMs: Math.min(integration.TimeoutInMillis ?? limitMs, limitMs),
      ...throttleOf(stage, route.RouteKey),
    };
  };
  return {
    logicalId,
    id,
    protocol: api.ProtocolType,
    stage: stage.StageName,
    ...(api.RouteSelectionExpression !== undefined && { routeSelection: api.RouteSelectionExpression }),
    routes: routes.filter(({ ApiId }) => ApiId === id).map(routeSpec),
  };
}

/** Of a function's ARN, or of the URI that the REST and WebSocket APIs wrap around it. */
function functionNameOf(uri: string): string {
  const name = /:function:([\w-]+)/.exec(uri)?.[1];
  if (name !== undefined) return name;
  throw unsupported(`the integration URI ${uri} names no function`);
}

function throttleOf({ DefaultRouteSettings, RouteSettings }: Stage, key: string): { throttle?: ThrottleSpec } {
  const { ThrottlingRateLimit, ThrottlingBurstLimit } = { ...DefaultRouteSettings, ...RouteSettings[key] };
  if (ThrottlingRateLimit === undefined && ThrottlingBurstLimit === undefined) return {};
  // Where one of the two is absent, the account's own limit holds.
  return { throttle: { ratePerSecond: ThrottlingRateLimit ?? 10_000, burst: ThrottlingBurstLimit ?? 5_000 } };
}

function unsupported(what: string): PlaneError {
  return new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `API Gateway: ${what}. Correct it in lib/, or teach local/api-resources.ts.`,
  );
}
