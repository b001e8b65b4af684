// The event that Lambda makes of received messages, field by field as AWS sends it.
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { SQSMessageAttribute, SQSRecord } from 'aws-lambda';

/** One record; `arn` and `region` are those of the queue. */
export function toSqsRecord(message: Message, arn: string, region: string): SQSRecord {
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: { ...(message.Attributes as unknown as SQSRecord['attributes']) },
    messageAttributes: toAttributes(message.MessageAttributes ?? {}),
    ...(message.MD5OfMessageAttributes !== undefined && { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: region,
  };
}

function toAttributes(attributes: Record<string, MessageAttributeValue>): Record<string, SQSMessageAttribute> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, toAttribute(value)]));
}

function toAttribute({ StringValue, BinaryValue, DataType }: MessageAttributeValue): SQSMessageAttribute {
  return {
    ...(StringValue !== undefined && { stringValue: StringValue }),
    ...(BinaryValue !== undefined && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType ?? 'String',
  };
}

/**
 * Which of `messageIds` a response of ReportBatchItemFailures leaves in the queue: undefined when it is malformed, and
 * then the whole batch has failed.
 */
export function failedMessageIds(response: unknown, messageIds: string[]): Set<string> | undefined {
  if (response === null || response === undefined) return new Set();
  if (typeof response !== 'object') return undefined;
  const failures = (response as { batchItemFailures?: unknown }).batchItemFailures;
  if (failures === undefined || failures === null) return new Set();
  if (!Array.isArray(failures)) return undefined;
  const ids = failures.map((failure: { itemIdentifier?: unknown } | null) => failure?.itemIdentifier);
  return ids.every((id) => typeof id === 'string' && messageIds.includes(id)) ? new Set(ids as string[]) : undefined;
}
