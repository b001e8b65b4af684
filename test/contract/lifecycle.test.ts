import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Failure } from '#core/errors.ts';
import { memoryLifecycle } from '#memory/observed.ts';
import { runtimeLifecycle } from '#runtime/lifecycle.ts';
import { lifecycleContract } from '#test/contract/lifecycle.contract.ts';
import { eventBus } from '#test/contract/support/aws.ts';
import { freePort } from '#local/loopback.ts';

const { client, buses } = await eventBus();

lifecycleContract('in memory', async () => {
  const lifecycle = memoryLifecycle();
  return {
    lifecycle,
    arrived: () => lifecycle.events.map(({ name, id, detail }) => ({ name, detail: { ...detail, id } })),
  };
});

lifecycleContract('EventBridge', async () => {
  const before = buses.recorded().length;
  return {
    lifecycle: runtimeLifecycle(client, 'lifecycle'),
    arrived: () =>
      buses
        .recorded()
        .slice(before)
        .map(({ detailType, detail }) => ({ name: detailType, detail })),
  };
});

describe('events on EventBridge', () => {
  const event = { id: 'e-1', name: 'RunFailed', detail: { run: 'run-1' } } as const;

  it('come from the plane, on the bus that it was given', async () => {
    await runtimeLifecycle(client, 'lifecycle').emit(event);
    expect(buses.recorded().at(-1)).toMatchObject({ bus: 'lifecycle', source: 'alphaswarm.plane' });
  });

  it('fail when the bus refuses them, although PutEvents answers 200, so that they stay in the outbox', async () => {
    await expect(runtimeLifecycle(client, 'no-such-bus').emit(event)).rejects.toSatisfy(
      (error) =>
        error instanceof Failure &&
        error.code === 'DEPENDENCY_UNAVAILABLE' &&
        /no-such-bus refused RunFailed: ResourceNotFoundException/.test(error.message),
    );
  });

  it('fail when nobody takes them', async () => {
    const port = await freePort({ what: 'Nobody' });
    const nobody = new EventBridgeClient({
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'K', secretAccessKey: 'S' },
      maxAttempts: 1,
    });
    onTestFinished(() => nobody.destroy());
    await expect(runtimeLifecycle(nobody, 'lifecycle').emit(event)).rejects.toThrow(/ECONNREFUSED/);
  });
});
