// Who listens where, as the system itself sees it: /proc on Linux, lsof elsewhere. LocalStack's default server takes every
// interface whatever it is told, so that nothing listens beyond loopback is looked at, not believed.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { PlaneError, systemCodeOf } from '#local/errors.ts';
import { isLoopbackHost } from '#local/loopback.ts';

export interface Listener {
  readonly host: string;
  readonly port: number;
}

/** Throws NOT_LOOPBACK when this process or any of these groups listens on anything but loopback; returns what it found. */
export function requireLoopbackOnly(groups: readonly number[]): Listener[] {
  const found = existsSync('/proc/net/tcp') ? listenersOnLinux(groups) : listenersByLsof(groups);
  const beyond = found.find(({ host }) => !isLoopbackHost(host));
  if (!beyond) return found;
  throw new PlaneError(
    'NOT_LOOPBACK',
    `A process of this run listens on ${beyond.host}:${beyond.port}, which other machines can reach. It is stopped; see localstack/run/host.ts for what should have kept it on 127.0.0.1.`,
  );
}

function listenersOnLinux(groups: readonly number[]): Listener[] {
  const pids = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && (Number(name) === process.pid || groups.includes(groupOf(name))),
  );
  const sockets = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'tcp6']
    .flatMap((family) => readFileSync(`/proc/net/${family}`, 'utf8').trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && sockets.has(fields[9] ?? ''))
    .map((fields) => parseAddress(fields[1] ?? ''));
}

/** Field 5, counted after the name in parentheses, which may itself hold spaces. */
function groupOf(pid: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[2]);
  } catch {
    // Ended meanwhile.
    return -1;
  }
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.slice(1) ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** `0100007F:1F90` is 127.0.0.1:8080: words of four bytes, each in the machine's own, little-endian order. */
export function parseAddress(hex: string): Listener {
  const [address = '', port = ''] = hex.split(':');
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words
    .flatMap((word) => (word.match(/../g) ?? []).toReversed())
    .map((byte) => Number.parseInt(byte, 16));
  const mapped = bytes.length === 16 && bytes.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  const four = mapped ? bytes.slice(12) : bytes;
  const host =
    four.length === 4
      ? four.join('.')
      : bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1
        ? '::1'
        : '::';
  return { host, port: Number.parseInt(port, 16) };
}

function listenersByLsof(groups: readonly number[]): Listener[] {
  try {
    const args = ['-nP', '-iTCP', '-sTCP:LISTEN', '-a', '-g', groups.join(','), '-Fn'];
    const names = execFileSync('lsof', args, { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.startsWith('n'));
    return names.map((name) => {
      const at = name.lastIndexOf(':');
      return { host: name.slice(1, at), port: Number(name.slice(at + 1)) };
    });
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') return [];
    throw new PlaneError('START_FAILED', 'lsof is not installed, so nobody can say who listens where. Install it.');
  }
}
