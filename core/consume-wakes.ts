import { limits } from './catalogue/limits.ts';
import { toMs } from './duration.ts';
import { rejectMessage, type Received } from './consume.ts';
import { toFailure } from './errors.ts';
import { lanes } from './lanes.ts';
import type { Sockets } from './ports.ts';
import { relayRun, type RelayPorts } from './relay.ts';
import { parseWake, sendWake, type Wake } from './wake.ts';

type Woken = Wake & { readonly message: Received };

/**
 * Takes a batch of wakes, each run once however many of them name it. Resolves with the ids of the messages that must
 * come back: those of a run that could not be served.
 */
export async function relay(world: RelayPorts, messages: readonly Received[]): Promise<string[]> {
  const ports = { ...world, sockets: inTurn(world.sockets) };
  const read = await Promise.all(messages.map((message) => readWake(ports, message)));
  const byRun = Map.groupBy(
    read.filter((one) => typeof one === 'object'),
    ({ run }) => run,
  );
  const failed = await Promise.all([...byRun.values()].map((wakes) => relayed(ports, wakes)));
  ports.metrics.flush();
  return [...messages.filter((_, at) => read[at] === 'come back').map(({ id }) => id), ...failed.flat()];
}

/** A post has its two seconds from when it is begun, and the SDK would let it wait for a free socket in them. */
function inTurn(sockets: Sockets): Sockets {
  const lane = lanes(limits.relayWidth);
  return {
    post: (connection, text) => lane(() => sockets.post(connection, text)),
    close: (connection) => sockets.close(connection),
  };
}

async function readWake(ports: RelayPorts, message: Received): Promise<Woken | 'rejected' | 'come back'> {
  try {
    return { ...parseWake(message.body), message };
  } catch (thrown) {
    const failure = toFailure(thrown);
    return (await rejectMessage(ports, message, { failure, queue: 'progress' })) ? 'rejected' : 'come back';
  }
}

/** The ids of those of a run's wakes that must come back: all, or none. */
async function relayed(ports: RelayPorts, wakes: readonly Woken[]): Promise<string[]> {
  const { run, message } = wakes[0]!;
  try {
    // One that comes back may have served a fresh subscription halfway: the row is looked at again.
    const ended = wakes.some((wake) => wake.ended || wake.message.receives > 1);
    const done = await relayRun(ports, run, { ended });
    if (done === 'more') await sendWake(ports.queues, run, { cause: `more-${message.id}`, ended: true });
    return [];
  } catch {
    // What it was is in the log. Meanwhile the run's other wakes wait, and so do those who watch it.
    await Promise.allSettled(wakes.map((wake) => comeBackSoon(ports, wake)));
    return wakes.map((wake) => wake.message.id);
  }
}

const comeBackSoon = ({ queues }: RelayPorts, { message: { receipt, receives } }: Woken): Promise<void> =>
  queues.delay('progress', receipt, Math.min(toMs(limits.relayLongestWait) / 1000, 2 ** Math.min(receives, 10)));
