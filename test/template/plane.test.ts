// Laws over the catalogue, read in the synthesised template. One file, because synthesis is what takes the time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stages } from '#lib/stages.ts';
import { beatLaws } from './laws/beat.ts';
import { beatDashboardLaws } from './laws/beat-dashboard.ts';
import { bundleLaws } from './laws/bundles.ts';
import { dataLaws } from './laws/data.ts';
import { environmentLaws } from './laws/environment.ts';
import { executorLaws } from './laws/executors.ts';
import { functionLaws } from './laws/functions.ts';
import { networkLaws } from './laws/network.ts';
import { permissionLaws } from './laws/permissions.ts';
import { queueLaws } from './laws/queues.ts';
import { ruleLaws } from './laws/rules.ts';
import { secretLaws } from './laws/secrets.ts';
import { wholeLaws } from './laws/whole.ts';
import { normalised } from './normalise.ts';
import { root, synthesise } from './plane.ts';

const laws = {
  queues: queueLaws,
  beat: beatLaws,
  'beat dashboard': beatDashboardLaws,
  functions: functionLaws,
  environment: environmentLaws,
  executors: executorLaws,
  network: networkLaws,
  rules: ruleLaws,
  permissions: permissionLaws,
  data: dataLaws,
  whole: wholeLaws,
  bundles: bundleLaws,
  secrets: secretLaws,
};

describe.each(Object.values(stages))('stage $name', (stage) => {
  const plane = synthesise(stage);

  describe.each(Object.entries(laws))('%s', (_name, chapter) => {
    it.each(chapter)('$says', ({ broken }) => {
      expect(broken(plane)).toEqual([]);
    });

    it.each(chapter)('would be noticed: not ($says)', ({ broken, planted }) => {
      const mutant = structuredClone(plane);
      planted(mutant);
      expect(broken(mutant)).not.toEqual([]);
    });
  });

  it('is what was last looked at: review the difference, then `vitest -u`', async () => {
    await expect(normalised(plane.template)).toMatchFileSnapshot(
      `__snapshots__/AlphaSwarm-${stage.name}.template.json.snap`,
    );
  });

  it('comes out the same from every synthesis, asset hashes included', () => {
    expect(synthesise(stage).template).toEqual(plane.template);
  });
});

describe('cdk.json', () => {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

  it('sets every feature flag as this version of the CDK recommends', () => {
    const { context } = read('cdk.json') as { context: Record<string, unknown> };
    expect(context).toMatchObject(read('node_modules/aws-cdk-lib/recommended-feature-flags.json') as object);
  });

  it('starts the app on Node alone, sends no telemetry and asks for no notices', () => {
    const { app, versionReporting, notices, context } = read('cdk.json') as Record<string, unknown>;
    expect({ app, versionReporting, notices }).toEqual({
      app: 'node bin/app.ts',
      versionReporting: false,
      notices: false,
    });
    expect(context).toMatchObject({ 'cli-telemetry': false });
  });
});
