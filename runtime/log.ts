import { Logger } from '@aws-lambda-powertools/logger';
import { logLines } from '#core/catalogue/metrics.ts';
import type { AuditSink, Log } from '#core/ports.ts';

/** One JSON object a line; the message is a constant of the catalogue, facts are fields. */
export function runtimeLog(level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'): Log {
  const logger = new Logger({ serviceName: 'alphaswarm', logLevel: level });
  return {
    info: (line, fields = {}) => logger.info(line, named(fields)),
    warn: (line, fields = {}) => logger.warn(line, named(fields)),
  };
}

/** Names that every line has already: Powertools would drop such a fact, and warn of it on a line of its own. */
const taken: ReadonlySet<string> = new Set(['level', 'message', 'sampling_rate', 'service', 'timestamp']);
const named = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, fact]) => [taken.has(name) ? `fact_${name}` : name, fact]));

/** Intents and outcomes of effects as log lines, each written before what follows it. The gateway brings the ledger of audit. */
export const logAudit = (log: Log): AuditSink => ({
  intent: async (entry) => log.info(logLines.auditIntent, { ...entry }),
  outcome: async (entry) => log.info(logLines.auditOutcome, { ...entry }),
});
