/**
 * Tells a call to end before its time. The HTTP client takes an emitter as well as an AbortSignal, and every call has three of
 * these, one within the other: signals would cost it several times as much.
 */
import { EventEmitter } from 'node:events';

export class Ending extends EventEmitter {
  aborted = false;
  /** What `abort` was given. */
  reason: unknown = undefined;

  constructor() {
    super();
    // As many calls may listen as there are.
    this.setMaxListeners(0);
  }

  /** The first reason counts. */
  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.emit('abort');
  }
}
