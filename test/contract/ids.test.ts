import { describe, expect, it } from 'vitest';
import { memoryIds } from '#memory/ids.ts';
import { runtimeIds } from '#runtime/ids.ts';
import { idsContract } from '#test/contract/ids.contract.ts';

idsContract('in memory', () => memoryIds());
idsContract('in memory, from a seed below nothing', () => memoryIds(-5));
idsContract('in memory, from a large seed', () => memoryIds(2 ** 53 - 1));
idsContract('runtime', () => runtimeIds());

describe('ids in memory', () => {
  it('repeat for the same seed, and differ for another', () => {
    const drawn = (seed: number) => {
      const ids = memoryIds(seed);
      return [ids.runId(), ids.traceparent(), ids.random(), ids.random(), ids.runId()];
    };
    expect(drawn(3)).toEqual(drawn(3));
    expect(drawn(3)).not.toEqual(drawn(4));
  });
});
