import { describe, expect, it } from 'vitest';
import type { QueueName } from '#core/catalogue/queues.ts';
import type { Received } from '#core/consume.ts';
import type { Queues, QueueDepth } from '#core/ports.ts';

/** The port, and what SQS does on the other side of it: receiving is not ours. */
export interface QueuesUnderTest {
  readonly queues: Queues;
  readonly receive: (queue: QueueName) => Promise<Received[]>;
  readonly letters: (queue: QueueName) => Promise<{ body: string; code: string; reason: string }[]>;
  readonly passSeconds: (seconds: number) => Promise<void>;
}
const letter = { code: 'MESSAGE_MALFORMED', reason: 'it is not JSON', group: 'rejected', deduplicationId: 'm1' };
const depth = (waiting: number, inFlight: number, delayed: number): QueueDepth => ({ waiting, inFlight, delayed });

/** What the pipeline relies on in its queues, whichever they are. */
export function queuesContract(name: string, make: () => Promise<QueuesUnderTest>): void {
  describe(`queues: ${name}`, () => {
    it('delivers what was sent, on the queue it was sent to, with a receipt and a count of receives', async () => {
      const { queues, receive } = await make();
      await queues.send('ingestion', { body: '{"v":1}', group: 'acme', deduplicationId: 'a-1-1' });
      expect(await receive('system')).toEqual([]);
      const [message] = await receive('ingestion');
      expect(message).toMatchObject({ body: '{"v":1}', receives: 1 });
      expect(message?.receipt).toBeTruthy();
      expect(message?.id).toBeTruthy();
      expect(await receive('ingestion')).toEqual([]);
    });

    it('sends the same pointer twice on a standard queue: duplicates are the consumer’s to see', async () => {
      const { queues, receive } = await make();
      const send = { body: 'x', group: 'acme', deduplicationId: 'a-1-1' };
      await queues.send('ingestion', send);
      await queues.send('ingestion', send);
      expect(await receive('ingestion')).toHaveLength(2);
    });

    it('holds a message back for its delay', async () => {
      const { queues, receive, passSeconds } = await make();
      await queues.send('ingestion', { body: 'x', group: 'acme', deduplicationId: 'a', delaySeconds: 1 });
      expect(await queues.depth('ingestion', 'queue')).toEqual(depth(0, 0, 1));
      expect(await receive('ingestion')).toEqual([]);
      await passSeconds(1.1);
      expect(await receive('ingestion')).toHaveLength(1);
    });

    it('shows a received message again after the delay that it is given, counting', async () => {
      const { queues, receive, passSeconds } = await make();
      await queues.send('ingestion', { body: 'x', group: 'acme', deduplicationId: 'a' });
      const [first] = await receive('ingestion');
      await queues.delay('ingestion', first?.receipt ?? '', 1);
      expect(await queues.depth('ingestion', 'queue')).toEqual(depth(0, 1, 0));
      expect(await receive('ingestion')).toEqual([]);
      await passSeconds(1.1);
      expect(await receive('ingestion')).toMatchObject([{ id: first?.id, receives: 2 }]);
    });

    it('shows a received message again at once after a delay of nothing, or less', async () => {
      const { queues, receive } = await make();
      await queues.send('ingestion', { body: 'x', group: 'acme', deduplicationId: 'a' });
      const [first] = await receive('ingestion');
      await queues.delay('ingestion', first?.receipt ?? '', 0);
      const [second] = await receive('ingestion');
      expect(second?.receives).toBe(2);
      await queues.delay('ingestion', second?.receipt ?? '', -5);
      expect(await receive('ingestion')).toMatchObject([{ receives: 3 }]);
    });

    it('counts what waits and what is in flight, of the queue and of its dead letters', async () => {
      const { queues, receive } = await make();
      expect(await queues.depth('ingestion', 'queue')).toEqual(depth(0, 0, 0));
      await queues.send('ingestion', { body: 'x', group: 'acme', deduplicationId: 'a' });
      expect(await queues.depth('ingestion', 'queue')).toEqual(depth(1, 0, 0));
      await receive('ingestion');
      expect(await queues.depth('ingestion', 'queue')).toEqual(depth(0, 1, 0));
      expect(await queues.depth('ingestion', 'dead-letters')).toEqual(depth(0, 0, 0));
      await queues.deadLetter('ingestion', { body: 'x', ...letter });
      expect(await queues.depth('ingestion', 'dead-letters')).toEqual(depth(1, 0, 0));
      expect(await queues.depth('system', 'dead-letters')).toEqual(depth(0, 0, 0));
    });

    it('hands out dead letters with code and reason, hides them, shows them again, and deletes them', async () => {
      const { queues, passSeconds } = await make();
      const take = (hideSeconds = 2) => queues.takeLetters('ingestion', { limit: 10, hideSeconds });
      expect(await take()).toEqual([]);
      await queues.deadLetter('ingestion', { body: 'one', ...letter });
      const [taken] = await take();
      expect(taken).toMatchObject({ body: 'one', code: 'MESSAGE_MALFORMED', reason: 'it is not JSON' });
      expect(taken?.sentMs).toBeGreaterThan(0);
      expect(await take()).toEqual([]);
      await queues.returnLetter('ingestion', taken?.receipt ?? '');
      const [again] = await take();
      expect(again?.id).toBe(taken?.id);
      await passSeconds(2.1);
      const [last] = await take();
      expect(last?.id).toBe(taken?.id);
      await queues.removeLetter('ingestion', last?.receipt ?? '');
      await passSeconds(2.1);
      expect(await take()).toEqual([]);
    });

    it('hands out ten dead letters at a time, and no more than are wanted', async () => {
      const { queues } = await make();
      for (let number = 0; number < 14; number += 1)
        await queues.deadLetter('ingestion', { ...letter, body: `${number}`, deduplicationId: `m${number}` });
      expect(await queues.takeLetters('ingestion', { limit: 3, hideSeconds: 9 })).toHaveLength(3);
      expect(await queues.takeLetters('ingestion', { limit: 100, hideSeconds: 9 })).toHaveLength(10);
      expect(await queues.takeLetters('ingestion', { limit: 100, hideSeconds: 9 })).toHaveLength(1);
      expect(await queues.depth('ingestion', 'dead-letters')).toEqual(depth(0, 14, 0));
    });

    it('keeps a dead letter as it came, with code and reason', async () => {
      const { queues, letters } = await make();
      await queues.deadLetter('ingestion', { body: 'no { JSON', ...letter });
      expect(await letters('ingestion')).toEqual([
        { body: 'no { JSON', code: 'MESSAGE_MALFORMED', reason: 'it is not JSON' },
      ]);
    });
  });
}
