/** Runs before each test file: every test has the same patience, and what a file has started ends with it. */
import { testLimitMs } from './patience';
import { endAll } from './started';

jest.setTimeout(testLimitMs);
// Compared byte by byte, as jest does it, a megabyte takes seconds. The type of `expect` does not know this function yet.
const { addEqualityTesters } = expect as unknown as {
  addEqualityTesters(testers: ((a: unknown, b: unknown) => boolean | undefined)[]): void;
};
addEqualityTesters([(a, b) => (Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : undefined)]);
// Registered before all hooks of the file itself, and so run after them, whether its tests have passed or not.
afterAll(endAll);
