import type { MetricName } from '#core/catalogue/metrics.ts';
import { redact } from '#core/redact.ts';
import type { AuditIntent, AuditSink, Lifecycle, LifecycleEvent, Log, Metrics } from '#core/ports.ts';

export interface Recorded {
  readonly name: MetricName;
  readonly value: number;
  readonly dimension?: string;
}
export interface Line {
  readonly level: 'info' | 'warn';
  readonly line: string;
  readonly fields: Record<string, unknown>;
}

export function memoryMetrics(): Metrics & { readonly records: Recorded[] } {
  const records: Recorded[] = [];
  return {
    records,
    record: (name, value, dimension) =>
      void records.push({ name, value, ...(dimension === undefined ? {} : { dimension }) }),
    flush: () => undefined,
  };
}

export function memoryLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = [];
  return {
    lines,
    info: (line, fields = {}) => void lines.push({ level: 'info', line, fields: clean(fields) }),
    warn: (line, fields = {}) => void lines.push({ level: 'warn', line, fields: clean(fields) }),
  };
}

const clean = (fields: Line['fields']): Line['fields'] => redact(fields) as Line['fields'];

export function memoryLifecycle(): Lifecycle & { readonly events: LifecycleEvent[] } {
  const events: LifecycleEvent[] = [];
  return {
    events,
    // Events are dropped by id when they repeat, as their consumers must.
    emit: async (event) => void (events.some((one) => one.id === event.id) || events.push(event)),
  };
}

export type AuditEntry = AuditIntent & { readonly outcome?: 'done' | 'denied' | 'failed' };
export function memoryAudit(): AuditSink & { readonly entries: AuditEntry[] } {
  const entries: AuditEntry[] = [];
  return {
    entries,
    intent: async (entry) => void entries.push(entry),
    outcome: async (entry) => void entries.push(entry),
  };
}
