/** What bars a candidate, said to people. This is the one place that makes a sentence of it; nothing reads the sentence again. */
import { percent, short } from '../../figures/figures';
import type { Candidate } from '../../topics/generated/messages';
import type { Bar } from './bar';

/** For people, and for the log. */
export function describeBar(bar: Bar): string {
  const { field } = bar;
  switch (bar.kind) {
    case 'denied':
      return `${field}: denied`;
    case 'notAllowed':
      return `${field}: not allowed`;
    case 'embedsOnly':
      return `${field}: only makes embeddings, and is not named`;
    case 'tooDear':
      return `${field}: expected $${short(bar.expectedUsd)} is over $${short(bar.limitUsd)}`;
    case 'tooSlow':
      return `${field}: expected ${Math.round(bar.expectedMs)} ms is over ${bar.limitMs} ms`;
    case 'slowTail':
      return `${field}: one call in twenty takes more than ${Math.round(bar.p95Ms)} ms, the limit is ${bar.limitMs} ms`;
    case 'lacking':
      return `${field}: lacks ${bar.capability}`;
    case 'tooLong':
      return `${field}: ${bar.tokens} tokens do not fit its ${bar.contextTokens}`;
    case 'tooComplex':
      return `${field}: ${bar.value} is over ${bar.above}, from where on complexityLimits has other models`;
    case 'overspent':
      return `${field}: expected $${short(bar.expectedUsd)} is over the $${short(bar.leftUsd)} left of $${short(bar.limitUsd)}`;
    case 'waiting':
      return `${field}: HALF_OPEN, not chosen to probe`;
    case 'open':
      return `${field}: OPEN`;
    case 'returning':
      return `${field}: returning after an outage, and this is not among the ${percent(bar.share, 2)} of requests that may use it`;
    case 'limited':
      return `${field}: at its rate limit, and this is not among the ${percent(bar.share, 2)} of requests that may use it`;
    case 'cheapestOnly':
      return `budget ${bar.budget}: the cheapest model only`;
    case 'overGranted':
      return `budget ${bar.budget}: expected $${short(bar.expectedUsd)} is over the $${short(bar.grantedUsd)} granted`;
    case 'resting':
      return `${field}: has asked to be left alone for a while`;
  }
}

/** Of a candidate that was let in all the same. */
export function describeLift({ health }: Pick<Candidate, 'health'>, bar: Bar): string {
  if (bar.field === 'health') return `health: ${health}, but nothing healthier is left`;
  if (bar.kind === 'slowTail') return `${describeBar(bar)}, but nothing faster is left`;
  return `${bar.field}: ${bar.kind}, but nothing better is left`;
}
