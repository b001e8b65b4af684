import type { Control, ControlRecord } from '#core/ports.ts';

/** The control table in a map. */
export function memoryControl(): Control {
  const records = new Map<string, ControlRecord>();
  return {
    async read(name) {
      return structuredClone(records.get(name));
    },
    async write(name, value, expectedRev) {
      if ((records.get(name)?.rev ?? 0) !== expectedRev) return 'conflict';
      records.set(name, { rev: expectedRev + 1, value: structuredClone(value) });
      return 'written';
    },
  };
}
