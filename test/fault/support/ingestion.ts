import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { isTerminal, type Run } from '#core/run.ts';
import type { Frame } from '#core/progress.ts';
import { parquetRows } from './parquet.ts';
import type { FaultPlane } from './plane.ts';

interface Manifest {
  readonly bronze: { readonly rows: number; readonly keys: readonly string[] };
  readonly artefacts: readonly { name: string; key: string; rows: number; bytes: number; sha256: string }[];
}

/** Lays the file into the inbox and asks for its ingestion. */
export async function askForIngestion(
  running: Pick<FaultPlane, 'operator'>,
  dataset: string,
  bytes: Uint8Array,
): Promise<Run> {
  await running.operator.upload(`${dataset}.csv`, bytes, 'text/csv');
  const payload = { connector: 'csv', dataset, source: { key: `${dataset}.csv` } } as const;
  return running.operator.request({ task: 'ingest.pull', payload });
}

export const fenceOf = (run: Run, key: string): number => Number(key.split(`${run.id}/`)[1]?.split('/')[0]);

/** What the manifest names is all there, whole, exact, and was written by claims of this run up to the one that won. */
export async function expectWholeIngestion(
  running: Pick<FaultPlane, 'operator'>,
  run: Run,
  rows: number,
): Promise<Manifest> {
  const result = (await running.operator.resultOf(run)) as { manifestKey: string };
  expect(result).toMatchObject({ rowsIn: rows, rowsSilver: rows, rowsQuarantined: 0, duplicates: 0 });
  expect(fenceOf(run, result.manifestKey)).toBe(run.fence);
  const manifest = JSON.parse(
    new TextDecoder().decode(await running.operator.download(result.manifestKey)),
  ) as Manifest;
  expect(manifest.artefacts.find(({ name }) => name === 'silver')?.rows).toBe(rows);
  for (const artefact of manifest.artefacts) {
    expect(fenceOf(run, artefact.key)).toBe(run.fence);
    const bytes = await running.operator.download(artefact.key);
    expect(bytes).toHaveLength(artefact.bytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(artefact.sha256);
    expect(await parquetRows(bytes)).toBe(artefact.rows);
  }
  let bronzeRows = 0;
  let lastFence = 0;
  for (const key of manifest.bronze.keys) {
    // Parts of an earlier leg may stand under its fence; legs follow each other.
    expect(fenceOf(run, key)).toBeGreaterThanOrEqual(lastFence);
    lastFence = fenceOf(run, key);
    bronzeRows += await parquetRows(await running.operator.download(key));
  }
  expect(new Set(manifest.bronze.keys).size).toBe(manifest.bronze.keys.length);
  expect(lastFence).toBeLessThanOrEqual(run.fence);
  expect([bronzeRows, manifest.bronze.rows]).toEqual([rows, rows]);
  return manifest;
}

/** Frames come in order, dense within a fence, and end with one terminal frame under the winner's. */
export function expectOneEnd(run: Run, frames: readonly Frame[]): void {
  expect(frames.filter(({ state }) => isTerminal(state))).toEqual([
    expect.objectContaining({ run_id: run.id, state: run.state, fence: run.fence }),
  ]);
  expect(frames.at(-1)?.state).toBe(run.state);
  for (const [fence, own] of Map.groupBy(frames, (frame) => frame.fence)) {
    expect(fence).toBeLessThanOrEqual(run.fence);
    expect(own.map(({ seq }) => seq)).toEqual(own.map((_, n) => n + 1));
  }
}
