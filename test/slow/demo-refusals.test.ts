// The demo as a whole process when it cannot go well: the exit status, one readable message, and nothing left behind.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foreign } from '#test/fault/support/foreign.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { descendants, isAlive, listening } from '#test/local/fixtures/processes.ts';
import { leftovers, startNode, type Ended, type Running } from './support/child.ts';
import { copyTree, type Copy } from './support/copy.ts';
import { skipped } from './support/skipped.ts';

const nobody = 65_534;
let copy: Copy;
let folder = '';
beforeAll(() => {
  copy = copyTree();
  folder = mkdtempSync(join(tmpdir(), 'alphaswarm-refusals-'));
  chmodSync(folder, 0o755);
});
afterAll(() => {
  copy.remove();
  rmSync(folder, { recursive: true, force: true });
});

const demo = (...args: string[]): Running => startNode(['bin/demo.ts', ...args], { cwd: copy.dir });
const messageOf = ({ stderr }: Ended): string => stderr.slice(stderr.indexOf('demo: '));

function expectRefused(ended: Ended, message: RegExp): void {
  expect(ended).toMatchObject({ status: 1, signal: null, stdout: '' });
  expect(messageOf(ended)).toMatch(message);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  expect(leftovers(ended)).toEqual({ pids: [], ports: [] });
}

test.each([
  ['a folder', ['--csv', tmpdir()], /^demo: --csv \S+: that is a folder\. Name one CSV file in it\.$/m],
  ['a file that is not there', ['--csv', 'no-such.csv'], /^demo: --csv no-such\.csv: there is no such file\. Check/m],
  ['an option that there is not', ['--cvs', 'x.csv'], /^demo: Unknown option '--cvs'.*\nUsage: npm run demo -- /m],
])('with %s it ends before anything is started', async (_, args, message) => {
  const ended = await demo(...args).ended;
  expectRefused(ended, message);
  expect(ended.stderr).not.toContain('synthesise');
});

test('a file that may not be read is named with what to do', async (ctx) => {
  const secret = join(folder, 'secret.csv');
  writeFileSync(secret, 'date,close\n', { mode: 0o000 });
  // Permissions mean nothing to root, so root runs this as somebody else.
  const isRoot = process.getuid?.() === 0;
  const who = isRoot ? { uid: nobody, gid: nobody } : {};
  const probe = ['-e', `require('node:fs').accessSync(${JSON.stringify(join(copy.dir, 'node_modules', 'vitest'))})`];
  const canRun = spawnSync(process.execPath, probe, who).status === 0;
  if (!canRun)
    skipped(ctx, 'this tree or its Node cannot be read by another user than root, so nobody can run the demo');
  const ended = await startNode(['bin/demo.ts', '--csv', secret], { cwd: copy.dir, ...who }).ended;
  expectRefused(
    ended,
    /secret\.csv: it may not be read\. Give yourself the permission \(chmod u\+r\), or name a copy\.$/m,
  );
});

test('a file that cannot be ingested ends the demo with the reason, when the plane has judged it', async () => {
  const bad = join(folder, 'no-close.csv');
  writeFileSync(bad, 'date,open,high,low\n2024-01-02,1,2,1\n2024-01-03,1,2,1\n');
  const ended = await demo('--csv', bad, '--json').ended;
  expectRefused(ended, /^demo: the file could not be ingested\. .*close/m);
  expect(ended.pids.length).toBeGreaterThan(2);
});

/** Valkey below the demo's process, once it answers. */
async function valkeyOf(running: Running): Promise<{ pid: number; url: string }> {
  const isValkey = (pid: number): boolean => {
    try {
      return /(valkey|redis)-server/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    } catch {
      return false;
    }
  };
  const find = () => descendants(running.pid).find((pid) => isValkey(pid) && listening([pid]).length > 0);
  await until('the demo has its Valkey', () => find() !== undefined, 90_000);
  const pid = find() ?? -1;
  return { pid, url: `redis://127.0.0.1:${listening([pid])[0]?.port}` };
}

test('a halt that somebody else engages during the demo is not passed over: a check fails', async () => {
  const running = demo('--json');
  const { url } = await valkeyOf(running);
  await until('the plane is at work', () => running.stderr().includes('fifteen minutes of schedules'), 60_000);
  expect(await foreign(url, 'SET alphaswarm:kill_switch 1')).toBe('+OK\r\n');
  expectRefused(await running.ended, /^demo: a check failed: each scheduled run went well \(.* is skipped: halted/m);
});

test('killed with SIGKILL it leaves no process and no port behind', async () => {
  const running = demo('--json');
  const { pid } = await valkeyOf(running);
  await until('functions run', () => descendants(running.pid).length >= 4, 60_000);
  process.kill(running.pid, 'SIGKILL');
  const ended = await running.ended;
  expect(ended).toMatchObject({ status: null, signal: 'SIGKILL', stdout: '' });
  await until('all of it is gone', () => leftovers(ended).pids.length === 0 && leftovers(ended).ports.length === 0);
  expect(isAlive(pid)).toBe(false);
});
