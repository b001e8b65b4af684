// The demo's story from beginning to end, on whatever plane it is given.
import type { CsvFile } from './csv-file.ts';
import { keepFiles, type Told } from './report.ts';
import { checkSlots, driveSchedules, haltAndRelease, ingest, type Stage } from './scenario.ts';

interface PlayOptions {
  readonly file: CsvFile;
  /** Where the plane's clock began. */
  readonly startMs: number;
  /** Takes what a person may want to see when the plane is gone. */
  readonly folder: string;
}

/** Plays it. Throws where something did not come about. */
export async function play(stage: Stage, { file, startMs, folder }: PlayOptions): Promise<Told> {
  const { plane, operator } = stage;
  const ticks = await driveSchedules(stage, startMs);
  const { lateMs } = ticks;
  checkSlots(await operator.scheduledRuns(lateMs, plane.clock.now()), {
    schedules: plane.scheduler.schedules().length,
    lateMs,
    startMs,
  });
  const ingested = await ingest(stage, file);
  const halted = await haltAndRelease(stage, file);
  await keepFiles(operator, ingested, folder);
  const runs = await operator.scheduledRuns(lateMs, plane.clock.now());
  return { runs, ticks, ingested, halted, folder };
}
