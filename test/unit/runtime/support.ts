import { vi } from 'vitest';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { alsoLogged, runtimeLog } from '#runtime/log.ts';
import { runtimeMetrics } from '#runtime/metrics.ts';

/** The plane in memory, but for what it says of itself: that goes to stdout as it does on AWS. */
export function speakingPlane(startMs?: number): MemoryPlane {
  const plane = memoryPlane(startMs === undefined ? {} : { startMs });
  const log = runtimeLog('INFO');
  return {
    ...plane,
    metrics: runtimeMetrics(plane.clock),
    log,
    audit: alsoLogged(plane.audit, log),
  } as unknown as MemoryPlane;
}

export interface Said {
  /** EMF lines, parsed. */
  readonly emf: Emf[];
  /** Log lines, parsed. */
  readonly log: Record<string, unknown>[];
  /** Everything, as it was written to stdout, stderr and the console. */
  readonly text: string;
}
export type Emf = Record<string, unknown> & {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: string; Unit: string }[];
    }[];
  };
};

/** What is written while `work` is done. */
export async function said(work: () => Promise<unknown>): Promise<Said> {
  const written: string[] = [];
  const write = (chunk: string | Uint8Array): boolean => {
    written.push(typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk));
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
    ...(['log', 'info', 'warn', 'error'] as const).map((name) =>
      vi
        .spyOn(console, name)
        .mockImplementation((...words: unknown[]) => void write(`${words.map(String).join(' ')}\n`)),
    ),
  ];
  try {
    await work();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  const text = written.join('');
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    text,
    emf: lines.filter((line): line is Emf => '_aws' in line),
    log: lines.filter((line) => !('_aws' in line)),
  };
}
