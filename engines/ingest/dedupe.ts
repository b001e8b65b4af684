// Rows of one timestamp: the first in the file is kept, its equals are dropped, those that contradict it are put aside.
import { byTime, sameValues, tsAt } from '#engines/ingest/series.ts';
import type { Series } from '#engines/ingest/series.ts';

export interface Deduped {
  /** Positions of the rows kept, by time. */
  kept: Uint32Array;
  dropped: number[];
  conflicts: { position: number; keptPosition: number }[];
}

/** Every row of the series is in exactly one of the three. */
export const dedupe = (series: Series): Deduped => {
  const ordered = byTime(series);
  const deduped: Deduped = { kept: ordered, dropped: [], conflicts: [] };
  let keptCount = 0;
  let keptPosition: number | undefined;
  for (const position of ordered) {
    if (keptPosition === undefined || tsAt(series, position) !== tsAt(series, keptPosition)) {
      keptPosition = position;
      // In place: what is kept never runs ahead of what is read.
      ordered[keptCount] = position;
      keptCount += 1;
    } else if (sameValues(series, position, keptPosition)) deduped.dropped.push(position);
    else deduped.conflicts.push({ position, keptPosition });
  }
  deduped.kept = ordered.subarray(0, keptCount);
  return deduped;
};
