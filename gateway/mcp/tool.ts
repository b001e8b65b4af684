import type { RouteRow } from '#core/catalogue/routes.ts';
import type { Role } from '#core/catalogue/roles.ts';
import type { Caller } from '#gateway/caller.ts';
import type { JsonSchema } from '#gateway/json-schema.ts';
import type { Setting } from '#gateway/operation.ts';

/** Who calls a tool, and with what. */
export interface ToolAsk {
  readonly caller: Caller;
  readonly from: string;
  readonly signal: AbortSignal;
  /** As they came: each tool reads them by its own schema. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** What a client may think of a tool before it calls it. All four are said: what is left out means the worst. */
export interface Hints {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}
export const looks: Hints = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: JsonSchema;
  readonly hints: Hints;
  /** The route that it stands for: who may call it, and from which share of the caller's. */
  readonly row: RouteRow;
  /** Whether somebody in these roles is shown it. */
  readonly isFor: (roles: readonly Role[]) => boolean;
  /** @throws Problem, Failure */
  readonly call: (setting: Setting, ask: ToolAsk) => Promise<Record<string, unknown>>;
}

/** Where arguments stand, for what is said of one that does not fit. */
export const argumentsPath = 'arguments';
