import { Logger } from '@aws-lambda-powertools/logger';
import { logLines } from '#core/catalogue/metrics.ts';
import type { AuditSink, Log } from '#core/ports.ts';

/** One JSON object a line; the message is a constant of the catalogue, facts are fields. */
export function runtimeLog(level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'): Log {
  const logger = new Logger({ serviceName: 'alphaswarm', logLevel: level });
  return {
    info: (line, fields = {}) => logger.info(line, fields),
    warn: (line, fields = {}) => logger.warn(line, fields),
  };
}

/** Intents and outcomes of effects as log lines, each written before what follows it. The gateway brings the ledger of audit. */
export const logAudit = (log: Log): AuditSink => ({
  intent: async (entry) => log.info(logLines.auditIntent, { ...entry }),
  outcome: async (entry) => log.info(logLines.auditOutcome, { ...entry }),
});
