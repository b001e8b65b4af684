import { describe, expect, it } from 'vitest';
import { limits } from '#core/catalogue/limits.ts';
import { openTicket } from '#gateway/sockets/tickets.ts';
import { inShort, publish, relayAll, run } from '#test/unit/core/relay-support.ts';
import { bound } from '#test/unit/core/support.ts';
import { socketWorld } from './sockets-support.ts';

const echo = { 'Sec-WebSocket-Protocol': 'alphaswarm.v1' };

describe('who asks for a WebSocket', () => {
  it.each([
    ['in one header', ['alphaswarm.v1, bearer.anna']],
    ['in two', ['alphaswarm.v1', 'bearer.anna']],
    ['before the version', ['bearer.anna,alphaswarm.v1']],
  ])('is let in with a token as a subprotocol, %s, and is answered the version alone', async (_, protocols) => {
    const world = socketWorld();
    expect(await world.connect('c', { protocols })).toEqual({ statusCode: 200, headers: echo });
    expect(await world.plane.connections.read('c')).toEqual({
      id: 'c',
      rev: 1,
      tenant: 'acme',
      actor: { kind: 'human', id: 'anna' },
      roles: ['viewer'],
      openedMs: world.plane.clock.nowMs(),
      tokenExpiresAtMs: world.people['anna']?.expiresAtMs,
      subscriptions: [],
    });
  });

  it('who offers no version that is spoken here is answered none', async () => {
    const world = socketWorld();
    expect(await world.connect('c', { protocols: ['bearer.anna'] })).toEqual({ statusCode: 200 });
  });

  it.each([
    ['without token', {}, 401],
    ['with a version and nothing else', { protocols: ['alphaswarm.v1'] }, 401],
    ['with a token that is no good', { protocols: ['alphaswarm.v1', 'bearer.mallory'] }, 401],
    ['with an empty one', { protocols: ['alphaswarm.v1', 'bearer.'] }, 401],
    ['with a token and no role', { protocols: ['alphaswarm.v1', 'bearer.nobody'] }, 403],
    ['while the issuer is away', { protocols: ['alphaswarm.v1', 'bearer.away'] }, 503],
    ['with a ticket that is none', { ticket: 'x' }, 401],
    ['with a ticket that nobody gave', { ticket: 'ab'.repeat(32) }, 401],
  ])('is refused %s', async (_, handshake, status) => {
    const world = socketWorld();
    expect(await world.connect('c', handshake)).toEqual({ statusCode: status });
    expect(await world.plane.connections.read('c')).toBeUndefined();
    expect(JSON.stringify(world.plane.log.lines)).not.toMatch(/mallory|abab/);
    expect(world.plane.log.lines).toHaveLength(1);
  });
});

describe('a ticket', () => {
  it('opens one WebSocket, in the name of who asked for it and until that token expires', async () => {
    const world = socketWorld();
    const { ticket } = await openTicket(world.ports, world.people['anna']!);
    expect(await world.connect('c', { ticket, protocols: ['alphaswarm.v1'] })).toEqual({
      statusCode: 200,
      headers: echo,
    });
    expect(await world.plane.connections.read('c')).toMatchObject({
      tenant: 'acme',
      actor: { kind: 'human', id: 'anna' },
      tokenExpiresAtMs: world.people['anna']?.expiresAtMs,
    });
    expect(await world.connect('d', { ticket })).toEqual({ statusCode: 401 });
  });

  it('opens one of three WebSockets that have all found it unused', async () => {
    const world = socketWorld();
    const { ticket } = await openTicket(world.ports, world.people['anna']!);
    const read = bound(world.ports.control, 'read');
    let readers = 0;
    world.ports.control.read = async (name) => {
      const record = await read(name);
      readers += 1;
      while (readers < 3) await new Promise((resolve) => setImmediate(resolve));
      return record;
    };
    const answers = await Promise.all(['c', 'd', 'e'].map((one) => world.connect(one, { ticket })));
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
    expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(2);
  });

  it('is good for a minute', async () => {
    const world = socketWorld();
    const [soon, late] = [
      await openTicket(world.ports, world.people['anna']!),
      await openTicket(world.ports, world.people['anna']!),
    ];
    await world.plane.clock.advance(59_999);
    expect(await world.connect('c', { ticket: soon.ticket })).toEqual({ statusCode: 200 });
    await world.plane.clock.advance(1);
    expect(await world.connect('d', { ticket: late.ticket })).toEqual({ statusCode: 401 });
  });

  it('stands nowhere but in the hands of who asked for it', async () => {
    const world = socketWorld();
    const names: string[] = [];
    const write: typeof world.plane.control.write = async (...given) => {
      names.push(JSON.stringify(given));
      return 'written';
    };
    const control = { ...world.plane.control, write };
    const { ticket } = await openTicket({ ...world.ports, control }, world.people['anna']!);
    expect(ticket).toMatch(/^[\da-f]{64}$/);
    expect(names).toHaveLength(1);
    expect(names[0]).not.toContain(ticket);
  });

  it('is another one each time', async () => {
    const world = socketWorld();
    const tickets = await Promise.all(Array.from({ length: 50 }, () => openTicket(world.ports, world.people['anna']!)));
    expect(new Set(tickets.map(({ ticket }) => ticket)).size).toBe(50);
  });
});

describe('who subscribes', () => {
  it('is told so, then what there was, then what comes, then the end', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    await publish(world.plane, '1.1', '1.2');
    expect(await world.subscribe('anna')).toEqual({ statusCode: 200 });
    await relayAll(world.plane);
    await publish(world.plane, '1.3', '1.4=succeeded');
    await relayAll(world.plane);
    expect(inShort(world.said('anna'))).toBe('subscribed 1.1 1.2 1.3 1.4');
    const expires_at = new Date(world.people['anna']!.expiresAtMs).toISOString();
    expect(world.said('anna')[0]).toEqual({
      type: 'subscribed',
      run_id: run,
      after: '0.0',
      state: 'running',
      expires_at,
    });
    expect((await world.plane.connections.read('anna'))?.subscriptions).toEqual([]);
  });

  it.each([
    ['1.1', '1.2 1.3'],
    ['1', '1.2 1.3'],
    ['0.0', '1.1 1.2 1.3'],
    ['1.3', ''],
  ])('after=%j goes on from there', async (after, expected) => {
    const world = socketWorld();
    await world.place();
    await publish(world.plane, '1.1', '1.2', '1.3');
    await world.as('anna');
    await world.subscribe('anna', { after });
    await relayAll(world.plane);
    expect(inShort(world.said('anna'))).toBe(`subscribed ${expected}`.trim());
  });

  it('to a run whose end he has is told that it is the end, and watches nothing', async () => {
    const world = socketWorld();
    await world.place({ state: 'failed', frames: 2 });
    await world.as('anna');
    await world.subscribe('anna', { after: '1.3' });
    expect(world.said('anna')).toMatchObject([{ type: 'subscribed', state: 'failed', ended: true }]);
    expect(await world.plane.subscriptions.exists(run)).toBe(false);
    expect((await world.plane.connections.read('anna'))?.subscriptions).toEqual([]);
  });

  it('twice, watches once, from where he said last', async () => {
    const world = socketWorld();
    await world.place();
    await publish(world.plane, '1.1', '1.2');
    await world.as('anna');
    await world.subscribe('anna');
    await world.subscribe('anna', { after: '1.1' });
    await relayAll(world.plane);
    expect(inShort(world.said('anna'))).toBe('subscribed subscribed 1.2');
    expect((await world.plane.connections.read('anna'))?.subscriptions).toEqual([run]);
  });

  it('and unsubscribes hears nothing more', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    await world.subscribe('anna');
    await relayAll(world.plane);
    await world.send('anna', { action: 'unsubscribe', run_id: run });
    await publish(world.plane, '1.1');
    await relayAll(world.plane);
    expect(inShort(world.said('anna'))).toBe('subscribed unsubscribed');
    expect((await world.plane.connections.read('anna'))?.subscriptions).toEqual([]);
  });

  it('and leaves is forgotten', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    await world.subscribe('anna');
    expect(await world.leave('anna')).toEqual({ statusCode: 200 });
    expect(await world.plane.subscriptions.exists(run)).toBe(false);
    expect(await world.plane.connections.read('anna')).toBeUndefined();
    expect(await world.leave('anna')).toEqual({ statusCode: 200 });
  });

  it('and leaves while he is subscribed does not watch for ever', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    const set = bound(world.ports.subscriptions, 'set');
    world.ports.subscriptions.set = async (...given) => {
      await world.leave('anna');
      await set(...given);
    };
    await world.subscribe('anna');
    await relayAll(world.plane);
    expect(await world.plane.subscriptions.exists(run)).toBe(true);
    await publish(world.plane, '1.1');
    await relayAll(world.plane);
    expect(await world.plane.subscriptions.exists(run)).toBe(false);
  });
});

describe('what is refused', () => {
  it('is another tenant’s run, in the very words for one that there is not', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('zoe');
    await world.subscribe('zoe');
    const none = run.replace(/a$/, 'b');
    await world.subscribe('zoe', { run_id: none });
    const [theirs, nobodys] = world.said('zoe');
    expect(theirs).toMatchObject({ type: 'error', code: 'RUN_UNKNOWN', run_id: run });
    expect(JSON.stringify(nobodys)).toBe(JSON.stringify(theirs).replaceAll(run, none));
    expect(await world.plane.subscriptions.exists(run)).toBe(false);
  });

  it.each([
    ['anna', 'error'],
    ['olga', 'subscribed'],
  ])('is a run of the beat, but for operators: %s is answered %s', async (who, answer) => {
    const world = socketWorld();
    await world.place({ tenant: 'system', actor: { kind: 'system', id: 'system:beat' } });
    await world.as(who);
    await world.subscribe(who);
    expect(world.said(who)).toMatchObject([{ type: answer }]);
  });

  it.each([
    ['no JSON', 'REQUEST_INVALID'],
    ['', 'REQUEST_INVALID'],
    ['null', 'REQUEST_INVALID'],
    ['[]', 'REQUEST_INVALID'],
    [{ action: 'publish', run_id: run }, 'REQUEST_INVALID'],
    [{ run_id: run }, 'REQUEST_INVALID'],
    [{ action: 'subscribe' }, 'REQUEST_INVALID'],
    [{ action: 'subscribe', run_id: 7 }, 'REQUEST_INVALID'],
    [{ action: 'subscribe', run_id: run, more: 1 }, 'REQUEST_INVALID'],
    [{ action: 'subscribe', run_id: 'x'.repeat(5000) }, 'REQUEST_INVALID'],
    [{ action: 'subscribe', run_id: '../x' }, 'RUN_UNKNOWN'],
    [{ action: 'subscribe', run_id: run, after: 'x' }, 'INPUT_INVALID'],
    [{ action: 'subscribe', run_id: run, after: '2.1' }, 'INPUT_INVALID'],
  ])('is %j, with an answer that says %s', async (message, code) => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    expect(await world.send('anna', message)).toEqual({ statusCode: 200 });
    expect(world.said('anna')).toMatchObject([{ type: 'error', code, detail: expect.any(String) }]);
    expect(await world.plane.subscriptions.exists(run)).toBe(false);
    expect(world.plane.sockets.isOpen('anna')).toBe(true);
  });

  it('is a flood: so many messages a second, and no more', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    for (let sent = 0; sent < 200; sent += 1) await world.subscribe('anna');
    const codes = world.said('anna').map(({ type, code }) => (type === 'error' ? code : type));
    expect(codes.filter((one) => one === 'subscribed')).toHaveLength(20);
    expect(codes.slice(20)).toEqual(Array.from({ length: 180 }, () => 'RATE_LIMITED'));
    await world.as('olga');
    await world.subscribe('olga');
    expect(world.said('olga')).toMatchObject([{ type: 'subscribed' }]);
    await world.plane.clock.advance(1000);
    await world.subscribe('anna');
    expect(world.said('anna').at(-1)).toMatchObject({ type: 'subscribed' });
  });

  it('is to watch more than fifty runs', async () => {
    const world = socketWorld();
    await world.as('anna');
    const ids = Array.from({ length: 51 }, (_, n) => `${run.slice(0, -2)}${(n + 16).toString(16)}`);
    for (const id of ids) {
      await world.place({ id });
      await world.plane.clock.advance(1000);
      await world.subscribe('anna', { run_id: id });
    }
    const said = world.said('anna');
    expect(said.slice(0, 50).every(({ type }) => type === 'subscribed')).toBe(true);
    expect(said.at(-1)).toMatchObject({ type: 'error', code: 'RATE_LIMITED', run_id: ids[50] });
    expect(await world.plane.subscriptions.exists(ids[50]!)).toBe(false);
    await world.send('anna', { action: 'unsubscribe', run_id: ids[0] });
    await world.subscribe('anna', { run_id: ids[50] });
    expect(world.said('anna').at(-1)).toMatchObject({ type: 'subscribed' });
  });

  it('is whatever needs Redis while it is away, with an answer that says so', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    world.rate.down = true;
    await world.subscribe('anna');
    expect(world.said('anna')).toMatchObject([{ type: 'error', code: 'INTERNAL' }]);
    expect(JSON.stringify(world.said('anna'))).not.toContain('the connection is closed');
  });
});

describe('a connection', () => {
  it('whose token has expired is told so with its next message, and closed', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    await world.subscribe('anna');
    await world.plane.clock.advance(3_600_000);
    await world.subscribe('anna');
    expect(world.said('anna').at(-1)).toMatchObject({ type: 'error', code: 'UNAUTHENTICATED' });
    expect(world.plane.sockets.isOpen('anna')).toBe(false);
    expect(await world.plane.connections.read('anna')).toBeUndefined();
    expect(await world.plane.subscriptions.exists(run)).toBe(false);
  });

  it('that nobody knows is closed', async () => {
    const world = socketWorld();
    world.plane.sockets.open('ghost');
    await world.subscribe('ghost');
    expect(world.plane.sockets.isOpen('ghost')).toBe(false);
  });

  it('that does not take an answer is dropped', async () => {
    const world = socketWorld();
    await world.place();
    await world.as('anna');
    world.plane.sockets.slow('anna');
    await world.subscribe('anna');
    expect(world.plane.sockets.isOpen('anna')).toBe(false);
    expect(await world.plane.subscriptions.exists(run)).toBe(false);
    expect(await world.plane.connections.read('anna')).toBeUndefined();
  });
});

it('opens so many WebSockets at once for one caller, and no more; another has a share of their own', async () => {
  const world = socketWorld();
  const { burst } = limits.socketConnects;
  const statuses: number[] = [];
  for (let count = 0; count <= burst; count += 1) statuses.push((await world.as('anna', `c-${count}`)).statusCode);
  expect(statuses).toEqual([...Array.from({ length: burst }, () => 200), 429]);
  expect((await world.as('olga')).statusCode).toBe(200);
  await world.plane.clock.advance(1000);
  expect((await world.as('anna', 'later')).statusCode).toBe(200);
});
