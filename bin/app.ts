import { resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { PlaneStack } from '#lib/stacks/plane-stack.ts';
import { stages } from '#lib/stages.ts';

const root = resolve(import.meta.dirname, '..');
const app = new App();
// Without account and region: the template fits any, and synthesis asks AWS nothing.
for (const stage of Object.values(stages)) new PlaneStack(app, `AlphaSwarm-${stage.name}`, { stage, root });
app.synth();
