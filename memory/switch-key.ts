import type { SwitchKey } from '#core/ports.ts';

export interface MemorySwitchKey extends SwitchKey {
  /** What others do to the key, the service, or the network. */
  value: string;
  down: boolean;
  replication: string | undefined;
  connection: number;
  readonly published: string[];
}

/** The kill switch's key in a variable, with the ways in which a Redis fails. */
export function memorySwitchKey(): MemorySwitchKey {
  const reach = () => {
    if (twin.down) throw new Error('the connection is closed');
  };
  const twin: MemorySwitchKey = {
    value: '',
    down: false,
    replication: 'replication-1',
    connection: 1,
    published: [],
    async read() {
      reach();
      return twin.value;
    },
    async set(value) {
      reach();
      twin.value = value;
    },
    async waitReplicas() {
      reach();
      return 0;
    },
    async publish(message) {
      reach();
      twin.published.push(message);
    },
    async deleteIf(value) {
      reach();
      // A key that is not there holds nothing, not even the empty text.
      if (twin.value === '' || twin.value !== value) return false;
      twin.value = '';
      return true;
    },
    async replicationId() {
      reach();
      return twin.replication;
    },
    async evictionPolicy() {
      reach();
      return 'noeviction';
    },
    async canary() {
      reach();
    },
    connectionEpoch: () => twin.connection,
  };
  return twin;
}
