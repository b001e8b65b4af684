// `npm run demo`: the main job on real data, on the local plane, in the templates and bundles that would be deployed.
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPlane } from '#local/plane.ts';
import { operatorOf } from './demo/operator.ts';
import { demoOptions, type Asked } from './demo/options.ts';
import { play } from './demo/play.ts';
import { terminalProgress, type Progress } from './demo/progress.ts';
import { toJson, toText, type Told } from './demo/report.ts';
import { synthesise } from './synthesise.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.alphaswarm', 'demo');

async function main(): Promise<void> {
  const { json, ...asked } = demoOptions('npm run demo');
  const progress = terminalProgress(process.stderr);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const told = await tell(progress, asked);
  process.stdout.write(json ? `${JSON.stringify(toJson(told), null, 2)}\n` : `\n${toText(told)}\n`);
}

async function tell(progress: Progress, asked: Asked): Promise<Told> {
  const assemblyDir = await progress.step(
    'synthesise the templates and bundles',
    () => synthesise(root),
    (made) => `written to ${made}`,
  );
  const startMs = Math.floor(Date.now() / 60_000) * 60_000;
  const plane = await progress.step(
    'start the local plane',
    () => startPlane({ assemblyDir, dataDir: join(folder, 'plane'), clock: 'driven', startAtMs: startMs }),
    ({ resources }) =>
      `${resources.queues.length} queues, ${resources.functions.length} functions, ${resources.schedules.length} schedules, on loopback`,
  );
  const operator = operatorOf(plane, 'demo');
  try {
    return await play({ plane, operator, progress }, { ...asked, startMs, folder });
  } finally {
    await plane.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
