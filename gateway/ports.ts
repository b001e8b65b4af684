import type { Door } from '#core/catalogue/routes.ts';
import type { VerifyPorts } from '#core/audit-verify.ts';
import type { Plane } from '#core/plane.ts';
import type { AuditLog } from '#core/ports.ts';
import type { Links, Rate, RateLimit, ScheduleReader } from '#core/ports-gateway.ts';
import type { Caller } from './caller.ts';

/** All that the doors need of the world. */
export interface GatewayPorts extends Plane {
  readonly auditLog: AuditLog;
  readonly links: Links;
  readonly rate: Rate;
  readonly schedules: ScheduleReader;
  /** The signed hours of the audit, and what verifies them: with the first question, since few ever ask it. */
  readonly verification?: () => Promise<Pick<VerifyPorts, 'anchors' | 'verifier' | 'hash'>>;
}

/** Who a request is from: gateway/identity/verify.ts, or a test's own. */
export interface Callers {
  /** @throws Problem UNAUTHENTICATED, ROLE_INSUFFICIENT, IDENTITY_UNAVAILABLE */
  caller(authorization: string | undefined, from?: string): Promise<Caller>;
  /** Each issuer, and whether its tokens can be checked. */
  ready(): Promise<readonly { readonly name: string; readonly ok: boolean }[]>;
}

export interface AppOptions {
  readonly door: Door;
  readonly identity: Callers;
  /** Tokens are strong for so long by the clock of the world, whatever the plane's says. */
  readonly realNowMs: () => number;
  /** Whether a halt may be released only by somebody else than who engaged it. Absent: anybody who may release. */
  readonly releaseByAnother?: boolean;
  /** What one caller may ask for; absent: 50 reads and 20 writes a second. */
  readonly rates?: Rates;
}
export type Rates = Readonly<Record<'reads' | 'writes', RateLimit>>;
