// The event buses of the template: what functions put, and what AWS's own services tell, is recorded, in order, told as
// an event of the plane, and handed to the rules.
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
  /** ARNs of what the event is about. */
  resources: string[];
}

/** An event of an AWS service, which goes to the default bus. */
export type ServiceEvent = Pick<BusEvent, 'source' | 'detailType' | 'detail' | 'resources'>;

interface PutEntry {
  EventBusName?: string | undefined;
  Source?: string | undefined;
  DetailType?: string | undefined;
  Detail?: string | undefined;
}

type PutResult = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

export interface EventBuses {
  put(entries: PutEntry[]): PutResult[];
  tell(event: ServiceEvent): void;
  recorded(): readonly BusEvent[];
}

interface EventBusesOptions {
  buses: BusSpec[];
  nowMs: () => number;
  newId: () => string;
  emit: Emit;
  /** Takes every event once it is recorded. */
  onEvent?: (event: BusEvent) => void;
}

/** A plane may run for days: the youngest events are kept. */
const EVENTS_KEPT = 10_000;

/** The buses named by the template, and `default`. */
export function createEventBuses({ buses, nowMs, newId, emit, onEvent }: EventBusesOptions): EventBuses {
  const recorded: BusEvent[] = [];
  const nameOf = (given = 'default'): string | undefined =>
    given === 'default' ? given : buses.find((bus) => bus.name === given || bus.arn === given)?.name;

  function putOne(entry: PutEntry): PutResult {
    const bus = nameOf(entry.EventBusName);
    if (bus === undefined)
      return refusal('ResourceNotFoundException', `Event bus ${entry.EventBusName} does not exist.`);
    const { Source: source, DetailType: detailType, Detail } = entry;
    if (!source || !detailType) return refusal('InvalidArgument', 'Parameter Source or DetailType is missing.');
    // Nobody but AWS speaks for AWS: a rule may trust the source.
    if (source.startsWith('aws.'))
      return refusal('NotAuthorizedForSourceException', `Not authorized for the source ${source}.`);
    const detail = parseDetail(Detail);
    if (detail === undefined) return refusal('MalformedDetail', 'Detail is malformed.');
    return { EventId: record(bus, { source, detailType, detail, resources: [] }) };
  }

  function record(bus: string, told: ServiceEvent): string {
    const event = { id: newId(), bus, atMs: nowMs(), ...told };
    recorded.push(event);
    if (recorded.length > EVENTS_KEPT) recorded.shift();
    emit({ type: 'bus-event', bus, source: told.source, detailType: told.detailType, detail: told.detail });
    onEvent?.(event);
    return event.id;
  }

  return {
    put: (entries) => entries.map(putOne),
    tell: (event) => void record('default', event),
    recorded: () => recorded,
  };
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
