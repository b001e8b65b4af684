import { Logger } from '@aws-lambda-powertools/logger';
import { logLines } from '#core/catalogue/metrics.ts';
import type { AuditSink, Log } from '#core/ports.ts';
import { redact } from '#core/redact.ts';

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
  Object.fromEntries(
    Object.entries(redact(fields) as typeof fields).map(([name, fact]) => [
      taken.has(name) ? `fact_${name}` : name,
      fact,
    ]),
  );

/** The audit, each of whose entries is a log line as well once it stands. */
export const alsoLogged = (audit: AuditSink, log: Log): AuditSink => ({
  async intent(entry) {
    await audit.intent(entry);
    log.info(logLines.auditIntent, { ...entry });
  },
  async outcome(entry) {
    await audit.outcome(entry);
    log.info(logLines.auditOutcome, { ...entry });
  },
});
