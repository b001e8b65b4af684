import type { TestContext } from 'vitest';

/** Skips the test that runs, and prints why: what was not looked at must not look like what passed. */
export function skipped(ctx: TestContext, reason: string): never {
  // oxlint-disable-next-line no-console
  console.log(`skipped: ${ctx.task.name}: ${reason}`);
  return ctx.skip(reason);
}
