// The local plane as it would be deployed, without what would drain the queue or tick beside the measurement: no event
// source mapping, no schedule, no throttle of the stage. Beside the gateway stands the bare handler, on the same API.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesise } from '#bin/synthesise.ts';
import { bundle } from '#lib/bundle.ts';
import { startPlane, type Plane } from '#local/plane.ts';

export interface Stage {
  readonly plane: Plane;
  /** The folders of the bundles, as they would be deployed, and what esbuild says of the gateway's. */
  readonly gatewayCode: string;
  readonly gatewayMeta: string;
  stop(): Promise<void>;
}

interface Resource {
  readonly Type: string;
  Properties: Record<string, unknown>;
}
type Resources = Record<string, Resource>;

const left = new Set(['AWS::Lambda::EventSourceMapping', 'AWS::Scheduler::Schedule']);

export async function startStage(root: string): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'alphaswarm-bench-gateway-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const assemblyDir = await synthesise(root, { assemblyDir: join(folder, 'cdk.out') });
    addBare(root, assemblyDir);
    const plane = await startPlane({ assemblyDir, dataDir: join(folder, 'plane'), clock: 'wall' });
    return {
      plane,
      gatewayCode: join(assemblyDir, 'bundles', 'gateway', 'code'),
      gatewayMeta: join(assemblyDir, 'bundles', 'gateway', 'meta.json'),
      async stop() {
        await plane.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Rewrites template and assets in place. */
function addBare(root: string, assemblyDir: string): void {
  const templateFile = join(assemblyDir, 'AlphaSwarm-dev.template.json');
  const assetsFile = join(assemblyDir, 'AlphaSwarm-dev.assets.json');
  const template = jsonOf<{ Resources: Resources }>(templateFile);
  const assets = jsonOf<{ files: Record<string, unknown> }>(assetsFile);
  const named = Object.entries(template.Resources);
  template.Resources = Object.fromEntries([
    ...named.filter(([, { Type }]) => !left.has(Type)),
    ...bareResources(template.Resources),
  ]);
  for (const stage of ofType(template.Resources, 'AWS::ApiGatewayV2::Stage')) {
    delete stage.Properties['DefaultRouteSettings'];
  }
  const code = bundle({
    root,
    file: 'bench/gateway/bare.ts',
    codeFolder: join(assemblyDir, 'bundles', 'bare', 'code'),
    metaFile: join(assemblyDir, 'bundles', 'bare', 'meta.json'),
  });
  cpSync(code, join(assemblyDir, 'asset.bare'), { recursive: true });
  assets.files['bare'] = {
    source: { path: 'asset.bare', packaging: 'zip' },
    destinations: { here: { bucketName: 'assets', objectKey: 'bare.zip' } },
  };
  writeFileSync(templateFile, JSON.stringify(template));
  writeFileSync(assetsFile, JSON.stringify(assets));
}

/** The gateway's function with other code, and a route to it. */
function bareResources(resources: Resources): [string, Resource][] {
  const [name = '', gateway] =
    Object.entries(resources).find(([logicalId]) => logicalId.startsWith('DoorgatewayFunction')) ?? [];
  const integration = ofType(resources, 'AWS::ApiGatewayV2::Integration').find(
    ({ Properties }) =>
      JSON.stringify(Properties['IntegrationUri']) === JSON.stringify({ 'Fn::GetAtt': [name, 'Arn'] }),
  );
  const route = ofType(resources, 'AWS::ApiGatewayV2::Route').find(
    ({ Properties }) =>
      Properties['ApiId'] && integration && same(Properties['ApiId'], integration.Properties['ApiId']),
  );
  if (!gateway || !integration || !route) throw new Error('the template has no gateway to measure beside');
  const { S3Bucket } = gateway.Properties['Code'] as { S3Bucket: unknown };
  return [
    [
      'Bare',
      {
        ...gateway,
        Properties: { ...gateway.Properties, FunctionName: 'bare', Code: { S3Bucket, S3Key: 'bare.zip' } },
      },
    ],
    [
      'BareIntegration',
      { ...integration, Properties: { ...integration.Properties, IntegrationUri: { 'Fn::GetAtt': ['Bare', 'Arn'] } } },
    ],
    ...['POST /bare', 'POST /bare/empty'].map((key, index): [string, Resource] => [
      `BareRoute${index}`,
      {
        ...route,
        Properties: {
          ...route.Properties,
          RouteKey: key,
          Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'BareIntegration' }]] },
        },
      },
    ]),
  ];
}

const jsonOf = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
const ofType = (resources: Resources, type: string): Resource[] =>
  Object.values(resources).filter(({ Type }) => Type === type);
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
