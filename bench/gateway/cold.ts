// How much a cold start has to read, and how long it takes.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Metafile } from 'esbuild';

const program = fileURLToPath(new URL('cold.mjs', import.meta.url));
const run = promisify(execFile);

export interface ColdStart {
  /** From the start of the process: Node is ready; the handler is. */
  readonly bootMs: number;
  readonly readyMs: number;
}

/** A process of its own, with the function's variables and nothing else. */
export async function coldStart(code: string, variables: Record<string, string>): Promise<ColdStart> {
  const { stdout } = await run(process.execPath, [program, join(code, 'index.mjs')], { env: variables, cwd: code });
  // What a function logs at its start comes first.
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ColdStart;
}

/** Bytes that are deployed, and those of the files that Node reads before the handler is ready. */
export function bundleBytes(code: string, metaFile: string): { deployed: number; cold: number } {
  const deployed = readdirSync(code).reduce((sum, name) => sum + statSync(join(code, name)).size, 0);
  const { outputs } = JSON.parse(readFileSync(metaFile, 'utf8')) as Metafile;
  const seen = new Set(Object.keys(outputs).filter((path) => path.endsWith('/index.mjs')));
  for (const path of seen) {
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && next in outputs) seen.add(next);
    }
  }
  return { deployed, cold: [...seen].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0) };
}
