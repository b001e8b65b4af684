// The SDK of the Model Context Protocol, with its validator, weighs thrice the gateway's own code and takes 25 ms to start:
// it is in the bundle of its own door, and no other function is slower for it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { importsOf, sourceFiles, targetOf, type Import } from './import-rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const importsIn = (file: string): Import[] => importsOf(readFileSync(join(root, file), 'utf8'), file);
const isSdk = ({ specifier }: Import): boolean => specifier.startsWith('@modelcontextprotocol/');

/** All that a file imports, and what that imports: of ours the files, of others the names. */
function reached(file: string, seen = new Set<string>()): Set<string> {
  for (const made of importsIn(file)) {
    const target = targetOf(made);
    const place = target ?? made.specifier;
    if (seen.has(place)) continue;
    seen.add(place);
    if (target !== undefined && existsSync(join(root, target))) reached(target, seen);
  }
  return seen;
}
const reachesSdk = (file: string): boolean =>
  [...reached(file)].some((place) => place.startsWith('@modelcontextprotocol/'));

it('no door but its own reaches the SDK, however far its imports go', () => {
  for (const file of ['functions/gateway.ts', 'functions/halt.ts', 'functions/sockets.ts']) {
    expect(reachesSdk(file), `from ${file}`).toBe(false);
  }
  // And whoever looked for it would find it.
  expect(reachesSdk('gateway/mcp/app.ts')).toBe(true);
});

it('the SDK is imported in gateway/mcp alone, and gateway/mcp by its function alone', () => {
  const files = sourceFiles(root);
  const sdk = files.filter((file) => importsIn(file).some(isSdk));
  expect(sdk.filter((file) => !file.startsWith('gateway/mcp/'))).toStrictEqual([]);
  expect(sdk.length).toBeGreaterThan(0);
  const users = files.filter((file) => importsIn(file).some((made) => targetOf(made)?.startsWith('gateway/mcp/')));
  expect(users.filter((file) => !/^(?:gateway\/mcp\/|functions\/mcp\.ts$)/.test(file))).toStrictEqual([]);
});
