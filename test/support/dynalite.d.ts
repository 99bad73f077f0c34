declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** @param options times in milliseconds */
  export default function dynalite(options?: { createTableMs?: number; deleteTableMs?: number }): Server;
}
