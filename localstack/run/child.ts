// Programs that a run starts. Each leads a process group that the guardian knows, so none outlives the run.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { PlaneError } from '#local/errors.ts';
import type { Guardian } from '#local/guardian.ts';

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The complete environment: nothing is inherited. */
  readonly env: Record<string, string>;
  readonly cwd?: string;
  /** Takes all that it prints. */
  readonly logFile: string;
  readonly guardian?: Guardian | undefined;
}

export interface Program {
  readonly child: ChildProcess;
  /** The status, or what stood in the way of starting it. */
  readonly ended: Promise<number | string>;
}

/** Starts a program in the background. */
export function startProgram({ command, args, env, cwd, logFile, guardian }: ProgramOptions): Program {
  const log = openSync(logFile, 'w');
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const { pid } = child;
  if (pid !== undefined) guardian?.add(pid);
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      if (pid !== undefined) guardian?.remove(pid);
      resolve(code ?? `signal ${signal}`);
    });
  });
  return { child, ended };
}

/** Runs a program to its end. Throws START_FAILED with the last that it printed. */
export async function runProgram(what: string, options: ProgramOptions): Promise<void> {
  const ended = await startProgram(options).ended;
  if (ended !== 0) throw failed(what, ended, options.logFile);
}

/** The error for a program that ended as it should not have. */
export function failed(what: string, ended: number | string, logFile: string): PlaneError {
  const said = tail(logFile, 12) || 'nothing';
  return new PlaneError(
    'START_FAILED',
    `${what} ended with ${ended}. All of it is in ${logFile}; its last words:\n${said}`,
  );
}

/** The last lines of a file that are not empty. */
function tail(file: string, lines: number): string {
  const all = readFileSync(file, 'utf8').split('\n');
  return all
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n');
}
