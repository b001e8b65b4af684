import { defineConfig } from 'vitest/config';

// One project a kind of test. `fast` kinds run in `npm test`; `slow` and `fault` join in `npm run test:all`.
const project = (name: string, testTimeoutMs = 20_000, globalSetup: string[] = []) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: testTimeoutMs, hookTimeout: 60_000, globalSetup },
});

// The assembly of the project, synthesised once for all files of a kind.
const synthesised = ['test/fault/support/synthesised.ts'];

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      project('unit'),
      project('contract'),
      project('template', 60_000),
      project('architecture'),
      project('local', 60_000),
      project('fault', 300_000, synthesised),
      project('slow', 300_000, synthesised),
    ],
  },
});
