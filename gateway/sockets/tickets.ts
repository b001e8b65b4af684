/**
 * A ticket opens one WebSocket, within a minute, for whoever cannot send a token with it. It stands in an address, which
 * proxies and browsers write down: therefore it is good once, and soon not even that. The store knows its hash alone.
 */
import * as z from 'zod';
import { limits } from '#core/catalogue/limits.ts';
import { isRole, type Role } from '#core/catalogue/roles.ts';
import { toMs } from '#core/duration.ts';
import type { Control } from '#core/ports.ts';
import type { Caller } from '#gateway/caller.ts';
import { badToken } from '#gateway/identity/challenge.ts';

interface TicketPorts {
  readonly control: Control;
  readonly realNowMs: () => number;
}
export interface Ticket {
  readonly ticket: string;
  readonly expiresAtMs: number;
}

/** The record of a ticket that was not used yet; a used one holds nothing. */
const recordSchema = z.object({
  expiresAtMs: z.number(),
  caller: z.object({
    actor: z.object({ kind: z.enum(['human', 'service']), id: z.string(), onBehalfOf: z.string().optional() }),
    tenant: z.string(),
    roles: z.array(z.custom<Role>(isRole)),
    issuer: z.string(),
    expiresAtMs: z.number(),
  }),
});

const hex = (bytes: Uint8Array): string => Array.from(bytes, (one) => one.toString(16).padStart(2, '0')).join('');
/** 256 bits; not of the plane's `Ids`, whose chance a test may know beforehand. */
const newSecret = (): string => hex(crypto.getRandomValues(new Uint8Array(32)));
const ticketPattern = /^[\da-f]{64}$/;

const recordName = async (ticket: string): Promise<string> => {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(ticket));
  return `ticket#${hex(new Uint8Array(hash))}`;
};

/** A ticket in the name of the caller; the WebSocket that it opens lasts no longer than the caller's token. */
export async function openTicket({ control, realNowMs }: TicketPorts, caller: Caller): Promise<Ticket> {
  const ticket = newSecret();
  const expiresAtMs = realNowMs() + toMs(limits.ticketLife);
  const { actor, tenant, roles, issuer } = caller;
  const value = { expiresAtMs, caller: { actor, tenant, roles, issuer, expiresAtMs: caller.expiresAtMs } };
  await control.write(await recordName(ticket), value, 0, { expiresAtMs });
  return { ticket, expiresAtMs };
}

/** Who opened the ticket, which is used up by this. @throws Problem UNAUTHENTICATED */
export async function takeTicket({ control, realNowMs }: TicketPorts, ticket: string): Promise<Caller> {
  if (!ticketPattern.test(ticket)) throw unusable();
  const name = await recordName(ticket);
  const record = await control.read(name);
  const { data } = recordSchema.safeParse(record?.value);
  if (!record || !data || data.expiresAtMs <= realNowMs()) throw unusable();
  const used = { usedAtMs: realNowMs() };
  const written = await control.write(name, used, record.rev, { expiresAtMs: data.expiresAtMs });
  if (written === 'conflict') throw unusable();
  const { actor, ...caller } = data.caller;
  const { onBehalfOf, ...who } = actor;
  return { ...caller, actor: { ...who, ...(onBehalfOf === undefined ? {} : { onBehalfOf }) } };
}

/** The same for all that can be wrong with it. */
const unusable = () =>
  badToken('The ticket is not one that can be used: it opens one WebSocket, within 60 s; POST /tickets gives another');
