/** A decision for a person: the choice and its reason first, then the evidence in tables. */
import { shownHash } from '../lib/figures/figures';
import { wrapText } from '../lib/terminal/wrap-text';
import type { RouteDecided } from '../lib/topics/generated/messages';
import { formatTable } from './format-table';

/** Lines of text are broken between words where they are wider than `columns`. */
export function explain(decision: RouteDecided, columns = Number.POSITIVE_INFINITY): string {
  const text = (lines: string): string => named(lines, columns);
  return [
    text(headline(decision)),
    candidateTable(decision, columns),
    threadTable(decision, columns),
    text(footnotes(decision)),
  ].join('\n');
}

const nameWidth = 11;

/** Lines begin with what they are about, and go on below what is said of it. */
function named(lines: string, columns: number): string {
  return lines
    .split('\n')
    .map((line) => {
      if (line.length <= columns) return line;
      const hasName = /^\S+ {2,}/.test(line);
      const indent = ' '.repeat(nameWidth);
      const [first, ...rest] = wrapText(hasName ? line.slice(nameWidth) : line, columns - nameWidth);
      return [`${hasName ? line.slice(0, nameWidth) : ''}${first}`, ...rest.map((part) => indent + part)].join('\n');
    })
    .join('\n');
}

function headline(decision: RouteDecided): string {
  const { requestId, model, provider, propensity, confidence, reasoning, fallbacks } = decision;
  const next = fallbacks.map((fallback) => `${fallback.model} (${fallback.provider})`).join(', ') || 'none';
  return `request ${requestId}: ${model} (${provider}), drawn with probability ${digits(propensity)}, confidence ${digits(confidence)}
why        ${reasoning}
fallbacks  ${next}
`;
}

function candidateTable(decision: RouteDecided, columns: number): string {
  const rows = decision.candidates.map((candidate) => [
    candidate.model === decision.model ? `> ${candidate.model}` : `  ${candidate.model}`,
    candidate.provider,
    digits(candidate.propensity),
    digits(candidate.predictedQuality),
    digits(candidate.utility),
    `$${digits(candidate.expectedCostUsd)}`,
    `${Math.round(candidate.expectedLatencyMs)} ms`,
    candidate.eligible ? '' : `not eligible: ${candidate.ineligibleReason ?? ''}`,
  ]);
  return formatTable(
    ['  candidate', 'provider', 'probability', 'quality', 'utility', 'cost', 'latency', ''],
    rows,
    columns,
    ['provider'],
  );
}

function threadTable(decision: RouteDecided, columns: number): string {
  const rows = decision.threads.map((thread) => [
    thread.strategy,
    thread.status,
    thread.choice ?? '-',
    thread.score === null ? '-' : digits(thread.score),
    digits(thread.weight),
    `${digits(thread.durationMs)} ms`,
    thread.error ?? '',
  ]);
  return formatTable(['thread', 'status', 'choice', 'score', 'weight', 'took', ''], rows, columns, ['took']);
}

function footnotes(decision: RouteDecided): string {
  const { collapse, strategy, explorationFloor, cacheHit, degradedTo, versions, seed, stagesMs, routingKey } = decision;
  const stages = Object.entries(stagesMs).map(([stage, ms]) => `${stage} ${digits(ms)}`);
  const { tenantId, tenantSettings = [] } = decision;
  const tenant = tenantSettings.length > 0 ? `tenant     ${tenantId} has its own ${tenantSettings.join(', ')}\n` : '';
  const degraded = degradedTo === 'NONE' ? 'not degraded' : `degraded to ${degradedTo}`;
  return `collapse   ${collapse}, led by ${strategy}; exploration floor ${explorationFloor}; ${cacheHit ? 'from the routing cache' : 'not cached'}; ${degraded}
${tenant}versions   config ${versions.config}, tuning ${versions.tuning}, policy ${hashOrNone(versions.policySha256)}, basis ${hashOrNone(versions.basisSha256)}, encoder ${versions.encoder}${profilesIn(versions)}; seed ${seed}
time (ms)  ${stages.join(', ')}
routingKey ${routingKey}
`;
}

/** Which state of health and capacity it was decided by. */
function profilesIn({ profiles, profilesAgeMs }: RouteDecided['versions']): string {
  return profiles === null ? '' : `, profiles ${profiles} (${Math.round(profilesAgeMs ?? 0)} ms old)`;
}

function digits(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function hashOrNone(sha256: string | null): string {
  return sha256 === null ? 'none' : shownHash(sha256);
}
