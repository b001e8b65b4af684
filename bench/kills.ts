// `npm run bench:kills`: real processes killed with real signals at random points, on the local plane.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { synthesise } from '../bin/synthesise.ts';
import { experiments } from './kills/experiments.ts';
import { killStage } from './kills/stage.ts';

const { values } = parseArgs({ options: { times: { type: 'string', default: '20' }, only: { type: 'string' } } });
const times = Number(values.times);
const names = values.only?.split(',') ?? Object.keys(experiments);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const rounded = (seconds: number): number => Math.round(seconds * 100) / 100;
const dataDir = mkdtempSync(join(tmpdir(), 'kills-'));
const stage = await killStage({ assemblyDir: await synthesise(root), dataDir });
try {
  for (const name of names) {
    const experiment = experiments[name];
    if (!experiment) throw new Error(`there is no experiment ${name}: take ${Object.keys(experiments).join(', ')}`);
    const seconds: number[] = [];
    let missed = 0;
    while (seconds.length < times) {
      const one = await experiment.run(stage);
      // The point was behind the end of the work: nothing was killed.
      if (Number.isNaN(one)) missed += 1;
      else seconds.push(one);
      process.stderr.write(`\r${name}: ${seconds.length} of ${times}, ${missed} came too late `);
    }
    process.stderr.write('\n');
    const sorted = seconds.toSorted((a, b) => a - b);
    const at = (share: number) => rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    const figures = { minimum: at(0), p50: at(0.5), maximum: rounded(sorted.at(-1) ?? 0) };
    const line = { bench: 'kills', figure: name, measures: experiment.measures, unit: 's', count: times, ...figures };
    process.stdout.write(`${JSON.stringify({ ...line, cores: availableParallelism(), missed })}\n`);
  }
} finally {
  await stage.close();
  rmSync(dataDir, { recursive: true, force: true });
}
