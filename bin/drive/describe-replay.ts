/** What a configuration would have decided on recent traffic, for people. */

import { ownEntry } from '../../lib/dictionary';
import { fixedPercent, short } from '../../lib/figures/figures';
import { formatTable } from '../format-table';

interface Side {
  readonly refused: number;
  readonly expectedCostUsd: number;
  readonly expectedQuality: number;
  readonly shares: Readonly<Record<string, number>>;
}

/** As POST /v1/config/replay answers. */
export interface ConfigReplayAnswer {
  readonly requests: number;
  readonly decided: number;
  readonly changed: number;
  readonly withoutWeights: number;
  readonly before: Side;
  readonly after: Side;
}

/** Models whose share moves less are not listed. */
const leastMove = 0.001;

export function describeReplay(replay: ConfigReplayAnswer, columns: number): string {
  const { requests, decided, changed, withoutWeights, before, after } = replay;
  if (requests === 0) return '\nthere were no requests in this time\n';
  const cost = (usd: number): string => `$${short(usd, 4)}`;
  const share = (of: number): string => fixedPercent(of, 1);
  const relative =
    before.expectedCostUsd > 0 ? signed(100 * (after.expectedCostUsd / before.expectedCostUsd - 1), 1, ' %') : '';
  const rows: string[][] = [
    ['expected cost a request', cost(before.expectedCostUsd), cost(after.expectedCostUsd), relative],
    [
      'expected quality',
      before.expectedQuality.toFixed(4),
      after.expectedQuality.toFixed(4),
      signed(after.expectedQuality - before.expectedQuality, 4),
    ],
    ['nobody may serve', String(before.refused), String(after.refused), signed(after.refused - before.refused, 0)],
  ];
  const models = [...new Set([...Object.keys(before.shares), ...Object.keys(after.shares)])];
  const shares = models
    .map((model) => ({ model, was: ownEntry(before.shares, model) ?? 0, is: ownEntry(after.shares, model) ?? 0 }))
    .filter(({ was, is }) => Math.abs(is - was) >= leastMove)
    .sort((a, b) => Math.abs(b.is - b.was) - Math.abs(a.is - a.was));
  for (const { model, was, is } of shares)
    rows.push([`share of ${model}`, share(was), share(is), signed(100 * (is - was), 1)]);
  const table = formatTable(['', 'before', 'after', 'difference'], rows, columns);
  const missing = withoutWeights > 0 ? `${withoutWeights} were judged without learned weights, which are gone\n` : '';
  return `\n${requests} requests decided again, ${decided} by both; ${changed} go to another model\n${missing}${table}`;
}

function signed(value: number, digits: number, unit = ''): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(digits)}${unit}`;
}
