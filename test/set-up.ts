/** Runs before each test file: every test has the same patience, and what a file has started ends with it. */
import { testLimitMs } from './patience';
import { endAll } from './started';

jest.setTimeout(testLimitMs);
// Registered before all hooks of the file itself, and so run after them, whether its tests have passed or not.
afterAll(endAll);
