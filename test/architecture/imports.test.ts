import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { importFaults, importsOf, rules, shapeFaults, sourceFiles } from './import-rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A tree in a temporary folder; gone when the test ends. */
function tree(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'imports-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A small tree in which all is well: each folder imports everything that it may. */
const sound: Record<string, string> = {
  'core/catalogue/queues.ts': "import { seconds } from '../duration.ts';\nexport const queues = seconds;\n",
  'core/duration.ts': "import * as z from 'zod';\nexport const seconds = z;\n",
  'core/execute.ts': "export { queues } from './catalogue/queues.ts';\n",
  'engines/lake.ts':
    "import { execute } from '#core/execute.ts';\nimport { hash } from 'node:crypto';\nimport 'hyparquet';\n",
  'tasks/default/ping.ts': "import '#engines/lake.ts';\nimport type { X } from '#core/execute.ts';\n",
  'runtime/ledger.ts': "import { X } from '@aws-sdk/client-dynamodb';\nimport '#core/execute.ts';\n",
  'memory/ledger.ts': "import '#core/execute.ts';\n",
  'functions/system.ts': "import '#runtime/ledger.ts';\nimport '#tasks/default/ping.ts';\n",
  'functions/consumers/default.ts': "import '#runtime/ledger.ts';\n",
  'lib/stack.ts':
    "import { queues } from '#core/catalogue/queues.ts';\nimport '#core/duration.ts';\nimport 'aws-cdk-lib';\n",
  'local/plane.ts': "import '#runtime/ledger.ts';\nimport '#core/execute.ts';\nimport 'node:http';\n",
  'bin/app.ts': "import '#lib/stack.ts';\nimport '#local/plane.ts';\n",
};

/** One violation a rule: the file, what is planted in it, and what must be said of it. */
const planted: [rule: string, file: string, line: string, said: string | RegExp][] = [
  [
    'core imports nothing of ours',
    'core/bad.ts',
    "import { x } from '#runtime/ledger.ts';",
    'core may not import runtime/ledger.ts',
  ],
  [
    'core: no engines',
    'core/bad.ts',
    "import type { X } from '#engines/lake.ts';",
    'core may not import engines/lake.ts',
  ],
  [
    'core: no relative way out',
    'core/catalogue/bad.ts',
    "export * from '../../memory/ledger.ts';",
    /leaves core by a relative path; write #memory/,
  ],
  ['core: no node', 'core/bad.ts', "import { createHash } from 'node:crypto';", 'node:crypto is not for this folder'],
  ['core: no node without its prefix', 'core/bad.ts', "import fs from 'fs';", 'fs is not for this folder'],
  [
    'core: no AWS',
    'core/bad.ts',
    "import type { SQSClient } from '@aws-sdk/client-sqs';",
    '@aws-sdk/client-sqs is not',
  ],
  ['core: no Redis', 'core/bad.ts', "const redis = await import('ioredis');", 'ioredis is not for this folder'],
  ['core: zod only', 'core/bad.ts', "import { v5 } from 'uuid';", 'uuid is not for this folder'],
  [
    'engines: no runtime',
    'engines/bad.ts',
    "import { x } from '#runtime/ledger.ts';",
    'engines may not import runtime/',
  ],
  [
    'engines: no tasks',
    'engines/bad.ts',
    "import { x } from '#tasks/default/ping.ts';",
    'engines may not import tasks/',
  ],
  ['engines: no network', 'engines/bad.ts', "import { request } from 'node:https';", 'node:https is not'],
  ['engines: no sockets', 'engines/bad.ts', "import { connect } from 'net';", 'net is not for this folder'],
  ['engines: no AWS', 'engines/bad.ts', "import '@aws-sdk/client-s3';", '@aws-sdk/client-s3 is not'],
  ['engines: no files', 'engines/bad.ts', "import { readFile } from 'node:fs/promises';", 'node:fs/promises is not'],
  [
    'engines: no processes',
    'engines/bad.ts',
    "import { spawn } from 'node:child_process';",
    'node:child_process is not',
  ],
  ['tasks: no runtime', 'tasks/bad.ts', "import { x } from '#runtime/ledger.ts';", 'tasks may not import runtime/'],
  [
    'tasks: no functions',
    'tasks/bad.ts',
    "import { x } from '#functions/system.ts';",
    'tasks may not import functions/',
  ],
  [
    'tasks: no clock or file of their own',
    'tasks/bad.ts',
    "import { setTimeout } from 'node:timers/promises';",
    'node:timers',
  ],
  [
    'runtime: no tasks',
    'runtime/bad.ts',
    "import { x } from '#tasks/default/ping.ts';",
    'runtime may not import tasks/',
  ],
  ['runtime: no twins', 'runtime/bad.ts', "import { x } from '#memory/ledger.ts';", 'runtime may not import memory/'],
  ['memory: no runtime', 'memory/bad.ts', "import { x } from '#runtime/ledger.ts';", 'memory may not import runtime/'],
  [
    'functions never import each other',
    'functions/system.ts',
    "import '#functions/consumers/default.ts';",
    'functions may not import functions/',
  ],
  [
    'functions never import each other, by a relative path',
    'functions/system.ts',
    "import './consumers/default.ts';",
    'functions may not import functions/',
  ],
  ['functions: no engines', 'functions/bad.ts', "import '#engines/lake.ts';", 'functions may not import engines/'],
  ['functions: no SDK', 'functions/bad.ts', "import '@aws-sdk/client-sqs';", '@aws-sdk/client-sqs is not'],
  ['lib: only the catalogue of core', 'lib/bad.ts', "import '#core/execute.ts';", 'lib may not import core/execute.ts'],
  ['lib: no runtime', 'lib/bad.ts', "const x = import('#runtime/ledger.ts');", 'lib may not import runtime/'],
  ['lib: no functions', 'lib/bad.ts', "export { x } from '#functions/system.ts';", 'lib may not import functions/'],
  ['lib: no SDK', 'lib/bad.ts', "import '@aws-sdk/client-sqs';", '@aws-sdk/client-sqs is not'],
  ['local: no tasks', 'local/bad.ts', "import '#tasks/default/ping.ts';", 'local may not import tasks/'],
  ['local: no lib', 'local/bad.ts', "import '#lib/stack.ts';", 'local may not import lib/'],
  ['bin: no tasks', 'bin/bad.ts', "import '#tasks/default/ping.ts';", 'bin may not import tasks/'],
  ['bin: no functions', 'bin/bad.ts', "require('#functions/system.ts');", 'bin may not import functions/'],
  ['nothing imports test', 'local/bad.ts', "import '#test/unit/support.ts';", 'local may not import test/'],
  ['nothing imports test, twins neither', 'memory/bad.ts', "import '../test/support.ts';", 'leaves memory'],
  ['no import of what is not there', 'core/bad.ts', "import { x } from './gone.ts';", 'core/gone.ts does not exist'],
  ['no folder without a rule', 'helpers/bad.ts', "import { x } from 'zod';", 'the folder helpers has no row'],
];

describe('imports go one way', () => {
  it('in this tree', () => {
    expect(importFaults(root)).toEqual([]);
  });

  it('which is read: hundreds of imports, in every folder of the table that there is', () => {
    const files = sourceFiles(root);
    const folders = new Set(files.map((file) => file.slice(0, file.indexOf('/'))));
    expect(files.length).toBeGreaterThan(100);
    for (const folder of folders) expect(Object.keys(rules)).toContain(folder);
    for (const folder of ['core', 'engines', 'runtime', 'memory', 'lib', 'local', 'bin'])
      expect(folders).toContain(folder);
  });

  it('in a small tree in which all is well', () => {
    expect(importFaults(tree(sound))).toEqual([]);
  });

  it.each(planted)('%s: %s with %s', (...[, file, line, said]) => {
    const faults = importFaults(tree({ ...sound, [file]: `${sound[file] ?? ''}${line}\n` }));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(said);
    expect(faults[0]).toContain(file);
  });
});

describe('the reader of imports', () => {
  const read = (source: string) => importsOf(source, 'x.ts').map(({ line, specifier }) => `${line} ${specifier}`);

  it('sees every form of import, over several lines too', () => {
    expect(
      read(
        [
          "import a from 'a';",
          "import type { B } from 'b';",
          "import { c, type D } from 'c';",
          'import {',
          '  e,',
          "} from 'e';",
          "import * as f from 'f';",
          'import "g";',
          "export * from 'h';",
          "export type { I } from 'i';",
          "const j = await import('j');",
          "type K = import('k').K;",
          "const l = require('l');",
          "const m = [import(`m`), require.resolve('n')];",
          "import o from 'o' with { type: 'json' };",
        ].join('\n'),
      ),
    ).toEqual([
      '1 a',
      '2 b',
      '3 c',
      '6 e',
      '7 f',
      '8 g',
      '9 h',
      '10 i',
      '11 j',
      '12 k',
      '13 l',
      '14 m',
      '14 n',
      '15 o',
    ]);
  });

  it('takes no words for imports', () => {
    expect(
      read("// we import things from 'nowhere' here\nconst importance = 'from';\nexport const from = ['x'];\n"),
    ).toEqual([]);
  });
});

describe('files are small and finished', () => {
  it('in this tree', () => {
    expect(shapeFaults(root)).toEqual([]);
  });

  it.each([
    ['251 lines', '\n'.repeat(251), 'core/long.ts has 251 lines, more than 250'],
    ['work for later', '// TODO: later\n', 'core/long.ts leaves work for later'],
    ['a default export', 'const x = 1;\nexport default x;\n', 'core/long.ts has a default export'],
    ['a default export by name', 'const x = 1;\nexport { x as default };\n', 'core/long.ts has a default export'],
  ])('%s: reported', (_, text, said) => {
    expect(shapeFaults(tree({ 'core/long.ts': text }))).toEqual([expect.stringContaining(said)]);
    expect(shapeFaults(tree({ 'core/fine.ts': '\n'.repeat(250) }))).toEqual([]);
  });
});
