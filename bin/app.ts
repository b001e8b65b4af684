import { resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { PlaneStack } from '#lib/stacks/plane-stack.ts';
import { emulatorStage, stages, type Stage } from '#lib/stages.ts';

const root = resolve(import.meta.dirname, '..');
const app = new App();
/** `-c emulatorRedis=HOST:PORT` asks for the stage of emulators instead of those of AWS. */
const emulatorRedis: unknown = app.node.tryGetContext('emulatorRedis');
const wanted: readonly Stage[] =
  typeof emulatorRedis === 'string' ? [emulatorStage({ hostPort: emulatorRedis })] : Object.values(stages);
// Without account and region: the template fits any, and synthesis asks AWS nothing.
for (const stage of wanted) new PlaneStack(app, `AlphaSwarm-${stage.name}`, { stage, root });
app.synth();
