import { execFile } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { memoryClock } from '#memory/clock.ts';
import { runtimeClock } from '#runtime/clock.ts';
import { clockContract } from '#test/contract/clock.contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'alphaswarm-clock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'offset');
const setOffset = (text: string) => {
  writeFileSync(`${file}.next`, text);
  renameSync(`${file}.next`, file);
};
setOffset('0');

clockContract('in memory', () => {
  const clock = memoryClock();
  return { clock, pass: (ms) => clock.advance(ms) };
});
clockContract('runtime', () => ({ clock: runtimeClock(), pass: (ms) => wait(ms) }));
clockContract('runtime, driven', () => ({ clock: runtimeClock(file), pass: (ms) => wait(ms) }));

describe('a driven clock', () => {
  it.each(['3600000', '-86400000', '0', '5400000.4', '60000\n'])('is ahead by what the file says: %j', (text) => {
    setOffset(text);
    const clock = runtimeClock(file);
    const aheadMs = clock.nowMs() - Date.now();
    expect(Math.abs(aheadMs - Number(text))).toBeLessThan(50);
    expect(Number.isInteger(clock.nowMs())).toBe(true);
  });

  it('follows the file while it runs, and leaves monotonic time and sleeps alone', async () => {
    setOffset('0');
    const clock = runtimeClock(file);
    const [atMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()];
    const slept = clock.sleep(40);
    setOffset('600000');
    expect(clock.nowMs() - atMs).toBeGreaterThanOrEqual(600_000);
    expect(clock.monotonicMs() - monotonicMs).toBeLessThan(1000);
    await slept;
    expect(clock.monotonicMs() - monotonicMs).toBeGreaterThanOrEqual(38);
  });

  it.each(['', 'soon', '1e99', 'Infinity', '0x10', '12 34'])('refuses a file that holds %j, by its name', (text) => {
    setOffset(text);
    expect(() => runtimeClock(file).nowMs()).toThrow(/clock file .*offset does not hold a number of milliseconds/);
  });

  it('says which file is missing', () => {
    expect(() => runtimeClock(join(folder, 'none')).nowMs()).toThrow(/none/);
  });
});

it('a sleep keeps its process alive: an operator’s halt is acknowledged 1.5 s after it was engaged', async () => {
  const script = `import { runtimeClock } from '#runtime/clock.ts'; await runtimeClock().sleep(100); console.log('woke');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stdout).toBe('woke\n');
});
