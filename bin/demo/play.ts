// The demo's story from beginning to end, on whatever plane it is given.
import { join } from 'node:path';
import { renderDashboards } from '#local/dashboard-page.ts';
import { backtest } from './backtest.ts';
import { check } from './checks.ts';
import type { Asked } from './options.ts';
import { haltAndRelease } from './halt.ts';
import { keepFiles, type Told } from './report.ts';
import { checkSlots, driveSchedules, ingest, slotsDriven, type Stage } from './scenario.ts';

interface PlayOptions extends Asked {
  /** Where the plane's clock began. */
  readonly startMs: number;
  /** Takes what a person may want to see when the plane is gone. */
  readonly folder: string;
}

/** Plays it. Throws where something did not come about. */
export async function play(stage: Stage, { file, choice, startMs, folder }: PlayOptions): Promise<Told> {
  const { plane, operator } = stage;
  const ticks = await driveSchedules(stage, startMs);
  const { lateMs } = ticks;
  checkSlots(await operator.scheduledRuns(lateMs, plane.clock.now()), {
    slots: slotsDriven(plane, startMs),
    lateMs,
    startMs,
  });
  const ingested = await ingest(stage, file);
  const backtested = await backtest(stage, file, choice);
  const halted = await haltAndRelease(stage, { file, choice, backtested });
  await keepFiles(operator, { ingested, backtested }, folder);
  const runs = await operator.scheduledRuns(lateMs, plane.clock.now());
  const audited = await stage.progress.step(
    'the audit is verified, row by row',
    () => operator.audited(),
    ({ rows: count, chains }) => `${count} rows in ${chains} chains, each as it was written`,
  );
  check(audited.intact, 'no row of the audit was altered');
  const dashboards = renderDashboards(plane, join(folder, 'dashboards'));
  return { runs, ticks, ingested, backtested, halted, audited, dashboards, folder };
}
