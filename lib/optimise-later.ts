/**
 * V8 11 (Node 20) has no cheap optimising compiler between its baseline and TurboFan. In the first seconds of an engine it
 * optimises some 1,900 functions, a quarter of them more than once, in threads that take the cores from the fold just when it
 * has most to learn. With more feedback gathered first it optimises less, and mostly for good.
 */
import { setFlagsFromString } from 'node:v8';

const measuredOn = '11.';
/** V8's own: bytes of bytecode that a function runs between two looks at whether to optimise it. */
const usualBudget = 67_584;
/** From so many milliseconds on. Back in two steps, or all that has waited would be compiled at once. */
const budgets = [
  { fromMs: 0, budget: 500_000 },
  { fromMs: 12_000, budget: 250_000 },
  { fromMs: 20_000, budget: usualBudget },
];

/** For the whole process, threads included; nothing where V8 is another one than this was measured on. */
export function optimiseLater(v8Version = process.versions.v8, setTimer = setOwnTimer): void {
  if (!v8Version.startsWith(measuredOn)) return;
  for (const { fromMs, budget } of budgets) {
    const set = (): void => setFlagsFromString(`--interrupt-budget=${budget}`);
    if (fromMs === 0) set();
    else setTimer(fromMs, set);
  }
}

/** Keeps no process alive. */
function setOwnTimer(delayMs: number, act: () => void): void {
  setTimeout(act, delayMs).unref();
}
