/**
 * How long the tests wait for what must happen sooner or later. A machine that is busy with other work may take many
 * times as long as an idle one, so a limit here ends only what hangs. A shorter one belongs into a test whose subject is
 * that very limit, and nowhere else.
 */

/** For one test or hook; test/set-up.ts sets it for all of them, and no test sets its own. */
export const testLimitMs = 600_000;

/** For one thing that must happen within a test: it ends before the test does, and says what was waited for. */
export { patienceMs } from '../checks/patience';
