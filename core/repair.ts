/**
 * What the heartbeat mends when key and mirror of the kill switch disagree. It reads the mirror before the key; whatever
 * was lost, and whoever acts beside it, the outcome errs towards halted.
 */
import { logLines } from './catalogue/metrics.ts';
import { Failure } from './errors.ts';
import { finishRelease, type HaltPorts } from './halt.ts';
import { adopt, isLeftover, readMirror, writeMirror, type Mirror, type MirrorRecord } from './kill-switch.ts';

export type Repair =
  | 'none'
  | 'key-set-again'
  | 'key-taken-back'
  | 'leftover-deleted'
  | 'external-adopted'
  | 'external-cleared'
  | 'released'
  | 'still-releasing'
  | 'ambiguous';

/** What the heartbeat does about key and mirror. Reads the mirror before the key. Throws what its ports throw. */
export async function repair(ports: HaltPorts): Promise<{ state: 'clear' | 'halted'; repair: Repair; epoch: number }> {
  const record = await readMirror(ports.control);
  const value = await ports.key.read();
  const done = await repairFrom(ports, record, value);
  if (done !== 'none') ports.log.warn(logLines.switchRepaired, { repair: done, epoch: record.mirror.epoch });
  const after = await readMirror(ports.control);
  const halted = after.mirror.phase !== 'clear' || (await ports.key.read()) !== '';
  return { state: halted ? 'halted' : 'clear', repair: done, epoch: after.mirror.epoch };
}

async function repairFrom(ports: HaltPorts, record: MirrorRecord, value: string): Promise<Repair> {
  const { mirror } = record;
  switch (mirror.phase) {
    case 'releasing':
      return endRelease(ports, record, 'released');
    case 'engaged':
      if (value !== '') return 'none';
      return mirror.origin === 'ours' ? setAgain(ports, mirror) : externalGone(ports, record);
    case 'clear':
      return value === '' ? 'none' : keyWithoutHalt(ports, record, value);
  }
}

/** The mirror is clear and the key is not: what we left behind goes, what somebody else set is a halt. */
async function keyWithoutHalt(ports: HaltPorts, record: MirrorRecord, value: string): Promise<Repair> {
  if (isLeftover(value, record.mirror)) return (await ports.key.deleteIf(value)) ? 'leftover-deleted' : 'none';
  return (await adopt(ports, record)) ? 'external-adopted' : 'none';
}

/** Another value in the key is no failure of the heartbeat: it has become the next halt. */
async function endRelease(ports: HaltPorts, record: MirrorRecord, repaired: Repair): Promise<Repair> {
  try {
    return (await finishRelease(ports, record)).state === 'clear' ? repaired : 'still-releasing';
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'HALT_CONFLICT') return 'external-adopted';
    throw thrown;
  }
}

/** Our halt lost its key. A release may run beside us, so the value is taken back unless the halt still stands. */
async function setAgain(ports: HaltPorts, mirror: Mirror): Promise<Repair> {
  await ports.key.set(mirror.value);
  const { mirror: now } = await readMirror(ports.control);
  if (now.phase === 'engaged' && now.epoch === mirror.epoch) return 'key-set-again';
  // Released and engaged anew meanwhile: we have overwritten the value of that halt.
  if (now.phase === 'engaged' && now.origin === 'ours') return setAgain(ports, now);
  await ports.key.deleteIf(mirror.value);
  return 'key-taken-back';
}

/** The key of an external halt is gone: core deleted it, or a failover lost it. Only the same replication history tells. */
async function externalGone(ports: HaltPorts, record: MirrorRecord): Promise<Repair> {
  const { mirror } = record;
  const now = await ports.key.replicationId();
  if (now === undefined || now !== mirror.replicationId) return 'ambiguous';
  const releasing: Mirror = {
    ...mirror,
    phase: 'releasing',
    by: 'external',
    reason: 'the key was deleted from outside',
  };
  if (!(await writeMirror(ports.control, record, releasing))) return 'none';
  return endRelease(ports, { rev: record.rev + 1, mirror: releasing }, 'external-cleared');
}
