/**
 * Signals that ask a process to end, at which it finishes what is under way. Beside the two that everybody sends: SIGQUIT is
 * what several images are stopped with, and SIGUSR2 what programs send that start others anew when files change. SIGUSR1 is
 * Node's own (it opens its debugger and ends nothing), and SIGHUP has a second meaning where somebody listens.
 */
export const drainSignals = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2'] as const satisfies readonly NodeJS.Signals[];
