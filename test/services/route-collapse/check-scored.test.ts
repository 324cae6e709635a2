import type { StrategyScored } from '../../../lib/topics/generated/messages';
import { scoredFault } from '../../../services/route-collapse/check-scored';

const scored = (change: Partial<StrategyScored>): StrategyScored =>
  ({ requestId: 'r', routingKey: 'r', group: 'g', threads: [], ...change }) as StrategyScored;

test.each(['a', '語', '😀'])('an id is as long as the door lets it be, of %s too', (character) => {
  for (const field of ['requestId', 'routingKey', 'group'] as const) {
    expect(scoredFault(scored({ [field]: character.repeat(200) }))).toBeNull();
    expect(scoredFault(scored({ [field]: character.repeat(201) }))).toMatchObject({ field });
    expect(scoredFault(scored({ [field]: '' }))).toMatchObject({ field });
  }
});
