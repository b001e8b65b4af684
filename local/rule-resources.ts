// Event rules of a template: which events they match, and what they send to which queue.
import * as z from 'zod';
import { PlaneError } from '#local/errors.ts';
import { parseProperties } from '#local/properties.ts';
import type { Resolver } from '#local/resolver.ts';
import type { QueueSpec } from '#local/resources.ts';

/** What an event must hold: lists of values of which one is there, in objects as deep as the event's. */
export interface EventPattern {
  [key: string]: (string | number | boolean | null)[] | EventPattern;
}

export interface RuleSpec {
  name: string;
  arn: string;
  enabled: boolean;
  /** Name of its bus. */
  bus: string;
  pattern: EventPattern;
  targets: RuleTarget[];
}

export interface RuleTarget {
  queue: QueueSpec;
  messageGroupId: string | undefined;
  /** The whole event when absent. */
  transformer: { paths: Record<string, string>; template: string } | undefined;
  deadLetterQueue: QueueSpec | undefined;
}

const targetSchema = z.strictObject({
  Id: z.string(),
  Arn: z.string(),
  SqsParameters: z.strictObject({ MessageGroupId: z.string() }).optional(),
  InputTransformer: z
    .strictObject({ InputPathsMap: z.record(z.string(), z.string()), InputTemplate: z.string() })
    .optional(),
  DeadLetterConfig: z.strictObject({ Arn: z.string() }).optional(),
  // Of no effect: a queue in this process is there, or the plane is not.
  RetryPolicy: z.unknown().optional(),
});

const ruleSchema = z.object({
  Name: z.string().optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  EventBusName: z.string().default('default'),
  EventPattern: z.record(z.string(), z.unknown()),
  Targets: z.array(targetSchema).min(1),
});

export function ruleSpecs(resolver: Resolver, queues: readonly QueueSpec[]): RuleSpec[] {
  return resolver.ofType('AWS::Events::Rule').map((resource) => {
    const { State, EventBusName, EventPattern, Targets } = parseProperties(resolver, resource, ruleSchema);
    const place = `${resource.stack.templateFile}: ${resource.logicalId} (${resource.type})`;
    const queueOf = (arn: string): QueueSpec =>
      queues.find((queue) => queue.arn === arn) ?? refuse(`${place} has the target ${arn}, which is no queue of it`);
    return {
      name: resolver.physicalName(resource),
      arn: resolver.attribute(resource, 'Arn'),
      enabled: State === 'ENABLED',
      bus: EventBusName.split('/').at(-1) ?? EventBusName,
      pattern: patternOf(EventPattern, place),
      targets: Targets.map(({ Arn, SqsParameters, InputTransformer, DeadLetterConfig }) => ({
        queue: queueOf(Arn),
        messageGroupId: SqsParameters?.MessageGroupId,
        transformer: InputTransformer && {
          paths: InputTransformer.InputPathsMap,
          template: wholeValues(InputTransformer.InputTemplate, place),
        },
        deadLetterQueue: DeadLetterConfig && queueOf(DeadLetterConfig.Arn),
      })),
    };
  });
}

/** Plain values only. `prefix`, `anything-but` and the rest are refused by their names: they match otherwise. */
function patternOf(pattern: object, place: string): EventPattern {
  return Object.fromEntries(
    Object.entries(pattern).map(([key, wanted]: [string, unknown]) => {
      if (key.startsWith('$')) refuse(`${place} matches by ${key}, which is not understood`);
      if (Array.isArray(wanted)) return [key, wanted.map((one: unknown) => plainValue(one, `${place}, ${key}`))];
      if (typeof wanted === 'object' && wanted !== null) return [key, patternOf(wanted, place)];
      return refuse(`${place} matches ${key} by ${JSON.stringify(wanted)}, where a list belongs`);
    }),
  );
}

function plainValue(value: unknown, place: string): string | number | boolean | null {
  if (typeof value !== 'object' || value === null) return value as string | number | boolean | null;
  return refuse(`${place} matches by ${Object.keys(value).join()}, which is not understood`);
}

/** A variable stands for a value of its own in a JSON text: inside a longer string it would have to be escaped otherwise. */
function wholeValues(template: string, place: string): string {
  const rest = template.replaceAll(/"<[\w.-]+>"|(?<=[:,[]\s*)<[\w.-]+>(?=\s*[,}\]])/g, '');
  const inside = /<[\w.-]+>/.exec(rest)?.[0];
  return inside === undefined
    ? template
    : refuse(`${place} has ${inside} in the midst of a text, which is not understood`);
}

function refuse(what: string): never {
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `${what} by the local plane. Express it otherwise in lib/, or teach local/rule-resources.ts.`,
  );
}
