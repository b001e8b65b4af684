// Synthesises the project once for all test files of a kind, by the very command that a person uses. A file of tests
// reads the folder with inject('assemblyDir'). It cannot be test/local/fixtures/synth.ts, which tidies up after one file.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The output of `cdk synth` of this project. */
    assemblyDir: string;
    /** A folder that all test files of this run share, gone at its end. */
    sharedDir: string;
  }
}

const root = resolve(import.meta.dirname, '..', '..', '..');

export function setup(project: TestProject): () => void {
  const sharedDir = mkdtempSync(join(tmpdir(), `alphaswarm-${project.name}-`));
  const assemblyDir = join(sharedDir, 'cdk.out');
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const path = `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}`;
  execFileSync(process.execPath, [cdk, 'synth', '--quiet', '--output', assemblyDir], {
    cwd: root,
    stdio: 'pipe',
    env: { ...process.env, PATH: path },
  });
  project.provide('assemblyDir', assemblyDir);
  project.provide('sharedDir', sharedDir);
  return () => rmSync(sharedDir, { recursive: true, force: true });
}
