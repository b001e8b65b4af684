import type { Sockets } from '#core/ports.ts';

export interface MemorySockets extends Sockets {
  /** Opens the other end; `hear` is called with each message, in order. */
  open(connection: string, hear?: (text: string) => void): void;
  /** The other end goes away, without a word. */
  lose(connection: string): void;
  /** The other end takes nothing any more. */
  slow(connection: string): void;
  isOpen(connection: string): boolean;
  /** What was posted to a connection, also to one that is gone by now. */
  posted(connection: string): readonly string[];
}

/** The other ends of WebSockets, as a test drives them. */
export function memorySockets(): MemorySockets {
  const ends = new Map<string, { hear: (text: string) => void; isSlow: boolean }>();
  const posted = new Map<string, string[]>();
  return {
    async post(connection, text) {
      const end = ends.get(connection);
      if (!end) return 'gone';
      if (end.isSlow) return 'slow';
      posted.get(connection)?.push(text);
      end.hear(text);
      return 'sent';
    },
    async close(connection) {
      ends.delete(connection);
    },
    open(connection, hear = () => undefined) {
      ends.set(connection, { hear, isSlow: false });
      posted.set(connection, []);
    },
    lose: (connection) => void ends.delete(connection),
    slow(connection) {
      const end = ends.get(connection);
      if (end) end.isSlow = true;
    },
    isOpen: (connection) => ends.has(connection),
    posted: (connection) => posted.get(connection) ?? [],
  };
}
