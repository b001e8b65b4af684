/**
 * Whom a webhook may reach: the public internet and nothing else, whatever a name resolves to. A name that is checked
 * and resolved again for the connection could answer differently the second time; so it is resolved once, all that it
 * answers is checked, and the connection goes to what was checked.
 */
import { lookup, type LookupAddress } from 'node:dns';
import { promisify } from 'node:util';
import ipaddr from 'ipaddr.js';
import { Failure } from '#core/errors.ts';

export type Resolve = (hostname: string) => Promise<LookupAddress[]>;
const lookUp = promisify(lookup);
/** As the system has it: its hosts file, too. */
export const systemResolve: Resolve = (hostname) => lookUp(hostname, { all: true });

/** What all IPv6 unicast on the internet begins with: older forms that carry an IPv4 address within stand outside. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  // Private, loopback, link-local, shared (CGNAT), multicast, mapped, NAT64, 6to4, Teredo, documentation: each has a name.
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(globalUnicast);
}

/**
 * The addresses of the host, each of them allowed.
 *
 * @throws Failure CALLBACK_REFUSED when one is not; DEPENDENCY_UNAVAILABLE when the name has none now.
 */
export async function publicAddresses(
  hostname: string,
  { resolve, allowLoopback }: { resolve: Resolve; allowLoopback: boolean },
): Promise<LookupAddress[]> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const found = ipaddr.isValid(host) ? [{ address: host, family: ipaddr.parse(host).kind() === 'ipv4' ? 4 : 6 }] : [];
  const all = found.length > 0 ? found : await resolved(host, resolve);
  const bad = all.find(({ address }) => !isAllowed(address, allowLoopback));
  if (!bad) return all;
  throw new Failure(
    'CALLBACK_REFUSED',
    `${JSON.stringify(host)} is at ${bad.address}, which is not on the public internet: name a receiver that is`,
  );
}

function isAllowed(text: string, allowLoopback: boolean): boolean {
  // With a zone (`fe80::1%eth0`) it is of this machine's network.
  if (!ipaddr.isValid(text) || text.includes('%')) return false;
  const address = ipaddr.parse(text);
  return isPublic(address) || (allowLoopback && address.range() === 'loopback');
}

async function resolved(host: string, resolve: Resolve): Promise<LookupAddress[]> {
  const [answer] = await Promise.allSettled([resolve(host)]);
  if (answer.status === 'fulfilled' && answer.value.length > 0) return answer.value;
  const cause: unknown = answer.status === 'rejected' ? answer.reason : undefined;
  throw new Failure('DEPENDENCY_UNAVAILABLE', `${JSON.stringify(host)} has no address just now: it is tried again`, {
    cause,
  });
}
