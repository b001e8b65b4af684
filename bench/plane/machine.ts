// Where and with what a benchmark was run: without it a figure says nothing.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';

const packages = ['dynalite', 'fauxqs', 'ioredis', '@aws-sdk/client-dynamodb'] as const;

export interface Machine {
  readonly atUtc: string;
  readonly cores: number;
  readonly processor: string;
  /** Of the last minute, before the benchmark: above 0 others were at work. */
  readonly loadBefore: number;
  readonly versions: Readonly<Record<string, string>>;
}

export const machine = (): Machine => ({
  atUtc: new Date().toISOString().slice(0, 16),
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  loadBefore: load(),
  versions: { node: process.versions.node, ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])) },
});

/** Processes that wanted a processor, on average of the last minute. */
export const load = (): number => Number((loadavg()[0] ?? 0).toFixed(2));

function versionOf(name: string): string {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
