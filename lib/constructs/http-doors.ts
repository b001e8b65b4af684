import { Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type CfnStage, HttpApi, HttpMethod, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { routeNames, routeRow, type Door } from '#core/catalogue/routes.ts';
import type { PlaneFunction } from '#lib/constructs/plane-function.ts';
import { planeName } from '#lib/names.ts';

export interface HttpDoorsProps {
  readonly cell: string;
  readonly functions: { readonly [D in Door]: PlaneFunction<D> };
  readonly logRetention: RetentionDays;
}

/** Requests a second that the whole API takes; each caller has a smaller share of its own, which the gateway counts. */
const throttle = { throttlingRateLimit: 200, throttlingBurstLimit: 400 };

/**
 * The HTTP API: what a row of the catalogue's routes sends to another door goes there, all else to the gateway, which
 * answers unknown routes in its own words. Tokens are checked by the functions: no authorizer of API Gateway knows two
 * issuers and step-up.
 */
export class HttpDoors extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, { cell, functions, logRetention }: HttpDoorsProps) {
    super(scope, id);
    const integrations = {
      gateway: new HttpLambdaIntegration('Gateway', functions.gateway.handler),
      halt: new HttpLambdaIntegration('Halt', functions.halt.handler),
      mcp: new HttpLambdaIntegration('Mcp', functions.mcp.handler),
    };
    const api = new HttpApi(this, 'Api', {
      apiName: planeName(cell, 'gateway'),
      description: `The gateway of the cell ${cell}`,
      createDefaultStage: false,
      defaultIntegration: integrations.gateway,
    });
    for (const [path, methods] of elsewhere('halt')) {
      api.addRoutes({ path, methods, integration: integrations.halt });
    }
    // All methods: what it does not take it refuses in its own words.
    for (const [path] of elsewhere('mcp')) api.addRoutes({ path, integration: integrations.mcp });
    const stage = new HttpStage(this, 'Stage', { httpApi: api, stageName: '$default', autoDeploy: true });
    accessLog(this, stage, { name: planeName(cell, 'gateway-access'), retention: logRetention });
    const row = stage.node.defaultChild as CfnStage;
    row.defaultRouteSettings = throttle;
    this.url = Fn.join('', [
      'https://',
      api.apiId,
      '.execute-api.',
      Stack.of(this).region,
      '.',
      Stack.of(this).urlSuffix,
    ]);
  }
}

/** Paths that another door than the gateway answers, with their methods. */
function elsewhere(door: Door): Map<string, HttpMethod[]> {
  const found = new Map<string, HttpMethod[]>();
  for (const row of routeNames.map(routeRow).filter((one) => one.door === door)) {
    // Whoever answers GET answers HEAD.
    const methods = row.method === 'GET' ? [HttpMethod.GET, HttpMethod.HEAD] : [HttpMethod[row.method]];
    found.set(row.path, [...(found.get(row.path) ?? []), ...methods]);
  }
  return found;
}

/** Who asked for what and how it was answered; never a header or a body, for these may hold a token. */
function accessLog(
  scope: Construct,
  stage: HttpStage,
  { name, retention }: { name: string; retention: RetentionDays },
): void {
  const logs = new LogGroup(scope, 'Access', {
    logGroupName: `/aws/apigateway/${name}`,
    retention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const fields = ['requestId', 'httpMethod', 'path', 'status', 'responseLatency', 'identity.sourceIp'] as const;
  (stage.node.defaultChild as CfnStage).accessLogSettings = {
    destinationArn: logs.logGroupArn,
    format: JSON.stringify(Object.fromEntries(fields.map((field) => [field, `$context.${field}`]))),
  };
}
