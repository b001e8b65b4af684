/** Tells a person what is being done, and how long it took. Writes to stderr, so that stdout is the result alone. */
export interface Progress {
  /** Announces a step, runs it, and says what came of it; a failure is announced and thrown on. */
  step<T>(what: string, work: (note: (text: string) => void) => Promise<T>, said: (result: T) => string): Promise<T>;
}

export function terminalProgress(stream: NodeJS.WriteStream): Progress {
  let number = 0;
  return {
    async step(what, work, said) {
      number += 1;
      const startedMs = performance.now();
      const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
      const head = `${String(number).padStart(2)}. ${what}`;
      stream.write(`${head} ...\n`);
      try {
        const result = await work((text) => stream.write(`    ${text} (${seconds()})\n`));
        stream.write(`    ${said(result)} (${seconds()})\n`);
        return result;
      } catch (error) {
        stream.write(`    failed after ${seconds()}\n`);
        throw error;
      }
    },
  };
}

/** Rows of text in columns as wide as they need be; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return rows.map((row, at) => (at === 0 ? `${line(row)}\n${rule}` : line(row))).join('\n');
}
