declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface Options {
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }

  /** dynalite ships no types. It is a CommonJS module whose export is this function. */
  export default function dynalite(options?: Options): Server;
}
