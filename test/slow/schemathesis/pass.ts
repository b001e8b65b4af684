// One run of schemathesis against the gateway, and what came of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const own = fileURLToPath(new URL('.', import.meta.url));
const config = join(own, 'schemathesis.toml');
/** Every check, requests that fit and that do not, the same ones each time; as long as API Gateway waits for an answer. */
const always =
  '--checks all --mode all --seed 20261130 --generation-deterministic --request-timeout 30 --continue-on-failure --no-color --report json'.split(
    ' ',
  );

/** What is looked at, by whom. */
export interface Pass {
  readonly name: string;
  /** Absent: nobody. */
  readonly token?: string;
  /** Requests a second: the caller's share of the gateway's, less one for the probes that come with a request. */
  readonly rate: number;
  /** Filters, phases, how many examples. */
  readonly args: readonly string[];
}
export interface Target {
  readonly program: string;
  readonly gateway: string;
  /** Where the tenant's inbox is, over plain S3. */
  readonly inbox: string;
  /** A payload that each task takes. */
  readonly payloads: Readonly<Record<string, unknown>>;
  /** For reports and for what the program keeps. */
  readonly folder: string;
}

const reportSchema = z.object({
  complete: z.boolean(),
  running_time: z.number(),
  operations: z.object({ selected: z.number(), tested: z.number() }),
  test_cases: z.object({ generated: z.number(), errored: z.number() }),
  failures: z.array(z.object({ title: z.string(), operations: z.array(z.string()) })),
  errors: z.array(z.object({ title: z.string() })),
  warnings: z.record(z.string(), z.array(z.unknown())),
});
export interface Outcome extends z.output<typeof reportSchema> {
  readonly name: string;
  readonly exitCode: number | null;
  /** What it printed: each failure with the request that shows it. */
  readonly said: string;
}

/** Runs it with every check there is. */
export async function look(target: Target, { name, token, rate, args }: Pass): Promise<Outcome> {
  const folder = mkdtempSync(join(target.folder, 'pass-'));
  const report = join(folder, 'report.json');
  const header = token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`];
  const given = [...always, '--rate-limit', `${rate}/s`, '--report-json-path', report, ...header, ...args];
  const child = spawn(target.program, ['--config-file', config, 'run', `${target.gateway}/openapi.json`, ...given], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      PYTHONPATH: own,
      PYTHONDONTWRITEBYTECODE: '1',
      SCHEMATHESIS_HOOKS: 'hooks',
      SCHEMATHESIS_INBOX: target.inbox,
      SCHEMATHESIS_PAYLOADS: JSON.stringify(target.payloads),
    },
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const said = Buffer.concat(chunks).toString();
  return { name, exitCode, said, ...reportOf(report, said) };
}

function reportOf(file: string, said: string): z.output<typeof reportSchema> {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new Error(`schemathesis left no report: ${said.slice(-4000)}`, { cause });
  }
}

/** One line a pass. */
export const lineOf = ({ name, operations, test_cases: cases, failures, running_time: seconds }: Outcome): string =>
  `${name}: ${operations.tested} operations, ${cases.generated} cases, ${failures.length} failures, ${seconds.toFixed(0)} s`;
