import { expect, test } from 'vitest';
import { readAssembly } from '#local/assembly.ts';
import { readResources } from '#local/plane-resources.ts';
import type { Addresses } from '#local/resource-types.ts';
import { httpApi, webSocketApi } from '#test/local/fixtures/apis.ts';
import { lambda, role, writeAssembly, type FixtureResource } from '#test/local/fixtures/assembly.ts';

const addresses: Addresses = {
  region: 'eu-west-1',
  sqsUrl: 'http://127.0.0.1:9324',
  redisHost: '127.0.0.1',
  redisPort: 6390,
  gatewayUrl: 'http://127.0.0.1:8080',
  socketsUrl: 'ws://127.0.0.1:8081',
};

function read(resources: Record<string, FixtureResource>, template: Record<string, unknown> = {}) {
  const assembly = writeAssembly({
    resources: { Role: role, Front: lambda(), Halt: lambda({ FunctionName: 'halt' }), ...resources },
    code: { Front: '', Halt: '//' },
    template,
  });
  return (given: Partial<Addresses> = {}) => readResources(readAssembly(assembly), { ...addresses, ...given });
}

test('an API has its stage, and its routes with their functions and time limits', () => {
  const { apis } = read({
    ...httpApi({
      routes: { $default: 'Front', 'POST /runs/{id}/cancel': 'Halt' },
      stage: {
        DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
        RouteSettings: { $default: { ThrottlingRateLimit: 7 } },
      },
    }),
    ...webSocketApi({ routes: { $connect: 'Front' }, integration: { TimeoutInMillis: 5_000 } }),
  })();
  expect(apis).toEqual([
    {
      logicalId: 'Http',
      id: expect.stringMatching(/^[a-z0-9]{10}$/),
      protocol: 'HTTP',
      stage: '$default',
      routes: [
        {
          key: '$default',
          functionName: 'Dev-Front',
          timeoutMs: 30_000,
          throttle: { ratePerSecond: 7, burst: 100 },
        },
        {
          key: 'POST /runs/{id}/cancel',
          functionName: 'halt',
          timeoutMs: 30_000,
          throttle: { ratePerSecond: 50, burst: 100 },
        },
      ],
    },
    {
      logicalId: 'Sockets',
      id: expect.stringMatching(/^[a-z0-9]{10}$/),
      protocol: 'WEBSOCKET',
      stage: 'dev',
      routeSelection: 'action',
      routes: [{ key: '$connect', functionName: 'Dev-Front', timeoutMs: 5_000 }],
    },
  ]);
  expect(apis[0]?.id).not.toBe(apis[1]?.id);
});

test('functions read the addresses of the doors where AWS would give its own', () => {
  const Variables = {
    API: { 'Fn::GetAtt': ['Http', 'ApiEndpoint'] },
    SOCKETS: { 'Fn::GetAtt': ['Sockets', 'ApiEndpoint'] },
    CALLBACK: { 'Fn::Sub': 'https://${Sockets}.execute-api.${AWS::Region}.amazonaws.com/${SocketsStage}' },
  };
  const { functions, apis } = read({
    ...httpApi({ routes: {} }),
    ...webSocketApi({ routes: {} }),
    Halt: lambda({ FunctionName: 'halt', Environment: { Variables } }),
  })();
  expect(functions.find(({ name }) => name === 'halt')?.variables).toEqual({
    API: 'http://127.0.0.1:8080',
    SOCKETS: 'ws://127.0.0.1:8081',
    CALLBACK: `https://${apis[1]?.id}.execute-api.eu-west-1.amazonaws.com/dev`,
  });
});

test('a parameter is what the plane answers, else its default; one without either is refused', () => {
  const template = { Parameters: { Identity: { Type: 'String', Default: '[]' }, Other: { Type: 'String' } } };
  const halt = (value: unknown) => lambda({ FunctionName: 'halt', Environment: { Variables: { V: value } } });
  const value = (resource: FixtureResource, given: Partial<Addresses>): string | undefined =>
    read({ Halt: resource }, template)(given).functions.find(({ name }) => name === 'halt')?.variables['V'];
  expect(value(halt({ Ref: 'Identity' }), {})).toBe('[]');
  expect(value(halt({ Ref: 'Identity' }), { parameters: { Identity: '[{"name":"entra"}]' } })).toBe(
    '[{"name":"entra"}]',
  );
  expect(value(halt({ 'Fn::Sub': 'is ${Other}' }), { parameters: { Other: 'given' } })).toBe('is given');
  expect(() => value(halt({ Ref: 'Other' }), { parameters: { Identity: '' } })).toThrow(/the parameter Other without/);
  // A parameter that the template does not declare stays unknown.
  expect(() => value(halt({ Ref: 'Nowhere' }), { parameters: { Nowhere: 'x' } })).toThrow(/Ref Nowhere/);
});

test.each<[string, Record<string, FixtureResource>, RegExp]>([
  [
    'a format of version 1',
    httpApi({ routes: { $default: 'Front' }, integration: { PayloadFormatVersion: '1.0' } }),
    /PayloadFormatVersion 2\.0/,
  ],
  [
    'an integration with a server',
    httpApi({ routes: { $default: 'Front' }, integration: { IntegrationType: 'HTTP_PROXY' } }),
    /IntegrationType/,
  ],
  [
    'a route chosen by a header',
    webSocketApi({ routes: {}, api: { RouteSelectionExpression: '$request.header.x' } }),
    /form \$request\.body\.NAME/,
  ],
  ['CORS', httpApi({ routes: {}, api: { CorsConfiguration: {} } }), /CorsConfiguration/],
  ['an API without a stage', { Http: httpApi({ routes: {} })['Http']! }, /no stage/],
  [
    'a second API of one protocol',
    {
      ...httpApi({ routes: {} }),
      Other: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
      OtherStage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ApiId: { Ref: 'Other' }, StageName: '$default' } },
    },
    /second API of protocol HTTP/,
  ],
  ['a function of elsewhere', httpApi({ routes: { $default: 'Role' } }), /not among the functions|names no function/],
])('%s is refused by name', (_what, resources, message) => {
  expect(() => read(resources)()).toThrow(message);
});

test('keys are told with what they are for and the names that lead to them', () => {
  const { keys } = read({
    Encrypts: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: {} } },
    Signs: { Type: 'AWS::KMS::Key', Properties: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' } },
    Alias: {
      Type: 'AWS::KMS::Alias',
      Properties: { AliasName: 'alias/audit', TargetKeyId: { 'Fn::GetAtt': ['Signs', 'Arn'] } },
    },
  })();
  expect(keys).toEqual([
    {
      id: 'Dev-Encrypts',
      arn: 'arn:aws:kms:eu-west-1:000000000000:key/Dev-Encrypts',
      spec: 'SYMMETRIC_DEFAULT',
      aliases: [],
    },
    {
      id: 'Dev-Signs',
      arn: 'arn:aws:kms:eu-west-1:000000000000:key/Dev-Signs',
      spec: 'ECC_NIST_P256',
      aliases: ['alias/audit'],
    },
  ]);
});
