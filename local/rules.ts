// What EventBridge does with an event: finds the rules that match it, makes each target's message, and sends it.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { messageOf } from '#local/errors.ts';
import type { Emit } from '#local/plane-event.ts';
import { LOCAL_ACCOUNT_ID } from '#local/resource-types.ts';
import type { EventPattern, RuleSpec, RuleTarget } from '#local/rule-resources.ts';

/** An event as a target sees it, where nothing is transformed. */
export interface EventEnvelope {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: unknown;
}

export interface Rules {
  /** Sends the event on to the targets of every rule of `bus` that matches it. */
  take(bus: string, event: EventEnvelope): void;
  /** Messages that are being sent. */
  pending(): number;
}

interface RulesOptions {
  rules: readonly RuleSpec[];
  client: SQSClient;
  emit: Emit;
}

export const envelopeOf = (
  event: { id: string; source: string; detailType: string; detail: unknown; atMs: number; resources?: string[] },
  region: string,
): EventEnvelope => ({
  version: '0',
  id: event.id,
  'detail-type': event.detailType,
  source: event.source,
  account: LOCAL_ACCOUNT_ID,
  // EventBridge tells whole seconds.
  time: new Date(event.atMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  region,
  resources: event.resources ?? [],
  detail: event.detail,
});

export function createRules({ rules, client, emit }: RulesOptions): Rules {
  let pending = 0;
  const send = async (target: RuleTarget, body: string): Promise<void> => {
    const { queue, messageGroupId } = target;
    // Without a deduplication id, as EventBridge: a FIFO queue makes it of the content.
    await client.send(
      new SendMessageCommand({
        QueueUrl: queue.url,
        MessageBody: body,
        ...(messageGroupId !== undefined && { MessageGroupId: messageGroupId }),
      }),
    );
  };

  async function deliver(rule: RuleSpec, target: RuleTarget, event: EventEnvelope): Promise<void> {
    try {
      await send(target, bodyOf(target, event));
    } catch (error) {
      emit({ type: 'error', where: `rule ${rule.name}`, message: messageOf(error) });
      const { deadLetterQueue: queue } = target;
      if (queue) await send({ ...target, queue, messageGroupId: undefined }, JSON.stringify(event));
    }
  }

  return {
    take(bus, event) {
      for (const rule of rules) {
        if (!rule.enabled || rule.bus !== bus || !matches(rule.pattern, event)) continue;
        for (const target of rule.targets) {
          pending += 1;
          void deliver(rule, target, event)
            .catch((error: unknown) =>
              emit({ type: 'error', where: `dead letters of rule ${rule.name}`, message: messageOf(error) }),
            )
            .finally(() => (pending -= 1));
        }
      }
    },
    pending: () => pending,
  };
}

/** Each key of the pattern is in the event with one of the values; of a list, one element is enough. */
export function matches(pattern: EventPattern, event: unknown): boolean {
  if (typeof event !== 'object' || event === null) return false;
  return Object.entries(pattern).every(([key, wanted]) => {
    const found = (event as Record<string, unknown>)[key];
    if (!Array.isArray(wanted)) return matches(wanted, found);
    return [found].flat().some((one) => wanted.includes(one as string));
  });
}

/** The message: the event itself, or the template with its variables put in. */
export function bodyOf({ transformer }: RuleTarget, event: EventEnvelope): string {
  if (!transformer) return JSON.stringify(event);
  const { paths, template } = transformer;
  // EventBridge puts in a string with its quotes, whether the template has some around the variable or not.
  return template.replaceAll(/"<([\w.-]+)>"|<([\w.-]+)>/g, (whole, quoted?: string, bare?: string) => {
    const path = paths[quoted ?? bare ?? ''];
    if (path === undefined) return whole;
    const value = valueAt(event, path);
    if (quoted !== undefined && typeof value !== 'string') return JSON.stringify(JSON.stringify(value) ?? '');
    // Nothing where nothing is found: what comes of it may be no JSON.
    return JSON.stringify(value) ?? '';
  });
}

/** `$.detail.taskArn`: names joined by dots, which is all that our rules use. */
function valueAt(event: EventEnvelope, path: string): unknown {
  const [root, ...names] = path.split('.');
  if (root !== '$') throw new Error(`the path ${path} does not begin with $`);
  return names.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    event,
  );
}
