// `npm run demo` in a copy of the tree, once for all test files of this run.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { until } from '#test/local/fixtures/plane.ts';
import { leftovers, startNode, type Ended } from './child.ts';
import { copyTree } from './copy.ts';

export interface Demo extends Ended {
  /** What still lived right after the end. */
  readonly left: { readonly pids: readonly number[]; readonly ports: readonly number[] };
}

/** The first to ask runs it, the others wait for what it left; its folder goes with the run. */
export async function demoOnce(): Promise<Demo> {
  const folder = join(inject('sharedDir'), 'demo');
  const result = join(folder, 'ended.json');
  if (isFirst(folder)) {
    const demo = await run(folder);
    writeFileSync(`${result}.next`, JSON.stringify(demo));
    renameSync(`${result}.next`, result);
  }
  await until('the demo has been run', () => existsSync(result), 180_000);
  return JSON.parse(readFileSync(result, 'utf8')) as Demo;
}

function isFirst(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

async function run(folder: string): Promise<Demo> {
  const ended = await startNode(['bin/demo.ts', '--json'], { cwd: copyTree(folder).dir }).ended;
  return { ...ended, left: leftovers(ended) };
}
