import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export class UsageError extends Error {}

export interface CsvFile {
  readonly path: string;
  /** A data set's name made of the file's. */
  readonly dataset: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The S&P 500 daily series that the npm package vega-datasets (BSD-3-Clause) ships beside its code. */
export const defaultCsv = (): string =>
  join(dirname(fileURLToPath(import.meta.resolve('vega-datasets'))), '..', 'data', 'sp500-2000.csv');

/** Reads a file that somebody named. Throws UsageError for what is no readable file, saying what to do. */
export function readCsv(name: string): CsvFile {
  const path = resolve(name);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat)
    throw new UsageError(
      `--csv ${name}: there is no such file. Check the path; it is taken from the folder you are in.`,
    );
  if (stat.isDirectory()) throw new UsageError(`--csv ${name}: that is a folder. Name one CSV file in it.`);
  try {
    accessSync(path, constants.R_OK);
    return { path, dataset: datasetOf(path), bytes: readFileSync(path) };
  } catch {
    throw new UsageError(
      `--csv ${name}: it may not be read. Give yourself the permission (chmod u+r), or name a copy.`,
    );
  }
}

function datasetOf(path: string): string {
  const slug = basename(path)
    .toLowerCase()
    .replace(/\.csv$/, '')
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 64);
  return slug || 'dataset';
}
