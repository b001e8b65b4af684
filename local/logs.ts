// What functions wrote, kept as CloudWatch Logs would keep it: a line and its time, a function.

export interface LogLine {
  atMs: number;
  text: string;
}

export interface Logs {
  /** The youngest lines of a function, oldest first. */
  of(functionName: string): readonly LogLine[];
}

interface LogsRecorder extends Logs {
  record(functionName: string, line: LogLine): void;
}

/** A plane may run for days. */
const LINES_KEPT = 10_000;

/** Lines in memory. */
export function createLogs(): LogsRecorder {
  const all = new Map<string, LogLine[]>();
  return {
    of: (functionName) => all.get(functionName) ?? [],
    record(functionName, line) {
      const lines = all.get(functionName) ?? [];
      lines.push(line);
      // In gulps: to move ten thousand lines for each new one is work.
      if (lines.length > 1.1 * LINES_KEPT) lines.splice(0, lines.length - LINES_KEPT);
      all.set(functionName, lines);
    },
  };
}
