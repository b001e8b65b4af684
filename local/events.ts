// The event buses of the template: what functions put is recorded, in order, and told as an event of the plane.
import type { Emit } from '#local/plane-event.ts';
import type { BusSpec } from '#local/resources.ts';

export interface BusEvent {
  id: string;
  bus: string;
  source: string;
  detailType: string;
  /** The parsed detail. */
  detail: unknown;
  atMs: number;
}

interface PutEntry {
  EventBusName?: string | undefined;
  Source?: string | undefined;
  DetailType?: string | undefined;
  Detail?: string | undefined;
}

type PutResult = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

export interface EventBuses {
  put(entries: PutEntry[]): PutResult[];
  recorded(): readonly BusEvent[];
}

interface EventBusesOptions {
  buses: BusSpec[];
  nowMs: () => number;
  newId: () => string;
  emit: Emit;
}

/** A plane may run for days: the youngest events are kept. */
const EVENTS_KEPT = 10_000;

/** The buses named by the template, and `default`. */
export function createEventBuses({ buses, nowMs, newId, emit }: EventBusesOptions): EventBuses {
  const recorded: BusEvent[] = [];
  const nameOf = (given = 'default'): string | undefined =>
    given === 'default' ? given : buses.find((bus) => bus.name === given || bus.arn === given)?.name;

  function putOne(entry: PutEntry): PutResult {
    const bus = nameOf(entry.EventBusName);
    if (bus === undefined)
      return refusal('ResourceNotFoundException', `Event bus ${entry.EventBusName} does not exist.`);
    const { Source: source, DetailType: detailType, Detail } = entry;
    if (!source || !detailType) return refusal('InvalidArgument', 'Parameter Source or DetailType is missing.');
    const detail = parseDetail(Detail);
    if (detail === undefined) return refusal('MalformedDetail', 'Detail is malformed.');
    const event = { id: newId(), bus, source, detailType, detail, atMs: nowMs() };
    recorded.push(event);
    if (recorded.length > EVENTS_KEPT) recorded.shift();
    emit({ type: 'bus-event', bus, source, detailType, detail });
    return { EventId: event.id };
  }

  return { put: (entries) => entries.map(putOne), recorded: () => recorded };
}

function refusal(ErrorCode: string, ErrorMessage: string): PutResult {
  return { ErrorCode, ErrorMessage };
}

/** The detail is a JSON object in a string; anything else is malformed to EventBridge. */
function parseDetail(detail: string | undefined): unknown {
  try {
    const parsed: unknown = JSON.parse(detail ?? '');
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
