import { expect, it } from 'vitest';
import { reaper } from '#core/reap.ts';
import { memoryPlane } from '#memory/plane.ts';
import { subscribe } from './relay-support.ts';
import { drive } from './support.ts';

/** A plane whose reaper has a hand on its WebSockets. */
const withSockets = () => {
  const plane = memoryPlane();
  const { subscriptions, connections, sockets, realNowMs } = plane;
  return { ...plane, live: { subscriptions, connections, sockets, realNowMs } };
};

it('ends the WebSockets whose token has expired, though nothing is posted to them, and leaves the others', async () => {
  const plane = withSockets();
  for (const [connection, expiresInMs] of [
    ['short', 60_000],
    ['long', 3_600_000],
  ] as const) {
    plane.sockets.open(connection);
    await subscribe(plane, connection, { expiresInMs });
  }
  expect(await drive(plane, reaper(plane).hangUp())).toEqual({ count: 0, more: false });
  await plane.clock.advance(61_000);
  expect(await drive(plane, reaper(plane).hangUp())).toEqual({ count: 1, more: false });
  expect([plane.sockets.isOpen('short'), plane.sockets.isOpen('long')]).toEqual([false, true]);
  expect(await plane.connections.read('short')).toBeUndefined();
  expect(await drive(plane, reaper(plane).hangUp())).toEqual({ count: 0, more: false });
});

it('tries again in the next minute where one could not be ended', async () => {
  const plane = withSockets();
  plane.sockets.open('stubborn');
  await subscribe(plane, 'stubborn', { expiresInMs: 1000 });
  await plane.clock.advance(2000);
  const close = { ...plane.sockets };
  plane.sockets.close = () => Promise.reject(new Error('the network is away'));
  expect(await drive(plane, reaper(plane).hangUp())).toEqual({ count: 0, more: true });
  Object.assign(plane.sockets, close);
  expect(await drive(plane, reaper(plane).hangUp())).toEqual({ count: 1, more: false });
});

it('has nothing to do where there are no WebSockets', async () => {
  expect(await reaper(memoryPlane()).hangUp()).toEqual({ count: 0, more: false });
});
