import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The linter holds the same rules while one types. A pattern that matches nothing is silent, so each rule is shown to bite
// on a planted violation, and to leave what is allowed alone.
const root = join(import.meta.dirname, '..', '..');

/** A file of a folder, what it imports, and whether the linter must refuse that. */
const planted: [folder: string, specifier: string, verdict: 'refused' | 'allowed'][] = [
  ['core', '#runtime/ledger.ts', 'refused'],
  ['core', '#engines/lake.ts', 'refused'],
  ['core', '#tasks/system/index.ts', 'refused'],
  ['core', '#memory/plane.ts', 'refused'],
  ['core', '#test/unit/core/support.ts', 'refused'],
  ['core', 'node:crypto', 'refused'],
  ['core', 'node:fs/promises', 'refused'],
  ['core', '@aws-sdk/client-sqs', 'refused'],
  ['core', '@smithy/types', 'refused'],
  ['core', 'ioredis', 'refused'],
  ['core', 'zod', 'allowed'],
  ['core', '#core/errors.ts', 'allowed'],
  ['core/catalogue', '#runtime/ledger.ts', 'refused'],
  ['core/catalogue', 'node:crypto', 'refused'],
  ['engines/lake', '#runtime/ledger.ts', 'refused'],
  ['engines/lake', '#tasks/system/index.ts', 'refused'],
  ['engines/lake', 'node:https', 'refused'],
  ['engines/lake', 'node:net', 'refused'],
  ['engines/lake', 'node:fs/promises', 'refused'],
  ['engines/lake', '@aws-sdk/client-s3', 'refused'],
  ['engines/lake', 'ioredis', 'refused'],
  ['engines/lake', 'node:crypto', 'allowed'],
  ['engines/lake', '#core/errors.ts', 'allowed'],
  ['tasks/system', '#runtime/ledger.ts', 'refused'],
  ['tasks/system', '#functions/system.ts', 'refused'],
  ['tasks/system', 'node:timers/promises', 'refused'],
  ['tasks/system', '#engines/status/publish.ts', 'allowed'],
  ['runtime', '#tasks/system/index.ts', 'refused'],
  ['runtime', '#memory/plane.ts', 'refused'],
  ['runtime', '@aws-sdk/client-sqs', 'allowed'],
  ['memory', '#runtime/ledger.ts', 'refused'],
  ['memory', '#core/ports.ts', 'allowed'],
  ['functions/consumers', '#functions/system.ts', 'refused'],
  ['functions/consumers', '#engines/lake.ts', 'refused'],
  ['functions/consumers', '#runtime/break-glass.ts', 'refused'],
  ['functions/consumers', '#runtime/services.ts', 'allowed'],
  ['functions/consumers', '#tasks/system/index.ts', 'allowed'],
  ['lib/constructs', '#core/execute.ts', 'refused'],
  ['lib/constructs', '#core/plane.ts', 'refused'],
  ['lib/constructs', '#runtime/ledger.ts', 'refused'],
  ['lib/constructs', '@aws-sdk/client-sqs', 'refused'],
  ['lib/constructs', '#core/catalogue/queues.ts', 'allowed'],
  ['lib/constructs', '#core/duration.ts', 'allowed'],
  ['local', '#lib/stages.ts', 'refused'],
  ['local', '#tasks/system/index.ts', 'refused'],
  ['local', '#runtime/clock.ts', 'allowed'],
  ['bin', '#functions/system.ts', 'refused'],
  ['bin', '#runtime/services.ts', 'refused'],
  ['bin', '#runtime/break-glass.ts', 'allowed'],
  ['bin', '#local/plane.ts', 'allowed'],
];
const nameOf = (index: number): string => `planted-${index}.ts`;

let folder = '';
let refused = new Set<string>();
const write = (name: string, text: string) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lint-'));
  const config = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as Record<string, unknown>;
  // Types are no part of these rules, and need the whole project.
  write('.oxlintrc.json', JSON.stringify({ ...config, options: { typeAware: false } }));
  for (const [index, [where, specifier]] of planted.entries()) {
    write(join(where, nameOf(index)), `import { something } from '${specifier}';\nexport const planted = something;\n`);
  }
  const oxlint = spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'oxlint', 'bin', 'oxlint'), '--format=json', '.'],
    { cwd: folder, encoding: 'utf8' },
  );
  const { diagnostics } = JSON.parse(oxlint.stdout) as { diagnostics: { code: string; filename: string }[] };
  refused = new Set(
    diagnostics.filter(({ code }) => code.includes('no-restricted-imports')).map(({ filename }) => filename),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the linter', () => {
  it.each(planted.map(([where, specifier, verdict], index) => ({ where, specifier, verdict, index })))(
    '$where importing $specifier: $verdict',
    ({ where, verdict, index }) => {
      const file = [...refused].find((name) => name.endsWith(`/${nameOf(index)}`) || name === nameOf(index));
      expect(file === undefined ? 'allowed' : 'refused').toBe(verdict);
      if (file !== undefined) expect(file).toContain(where);
    },
  );
});
