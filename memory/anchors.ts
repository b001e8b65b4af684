import type { AnchorStore } from '#core/ports.ts';

/** A bucket of anchors in a map. `texts` lets a test tamper with it. */
export function memoryAnchors(): AnchorStore & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    read: async (hour) => texts.get(hour),
    async write(hour, text) {
      if (texts.has(hour)) return 'exists';
      texts.set(hour, text);
      return 'written';
    },
    hours: async (after = '') => [...texts.keys()].filter((hour) => hour > after).toSorted(),
  };
}
