/** For what must happen sooner or later, on a busy machine much later: what takes longer hangs. */
export const patienceMs = 240_000;
