import { contentHashOf } from '../../../lib/topics/content-hash';
import { createRecentContents } from '../../../services/route-intake/recent-contents';
import { requestOf } from '../../lib/routing/fixtures';

test('another content under a known id is told from the same one again; what is long ago is not', () => {
  const contents = createRecentContents(2);
  const first = requestOf({ requestId: '__proto__' });
  contents.remember('__proto__', contentHashOf(first));
  expect(contents.isOther({ ...first, requestedAtMs: 1, replyTo: 'x' })).toBe(false);
  expect(contents.isOther({ ...first, prompt: 'b' })).toBe(true);
  contents.remember('__proto__', 'later');
  expect(contents.isOther(first)).toBe(false);
  for (const id of ['b', 'c']) contents.remember(id, 'hash');
  expect(contents.isOther({ ...first, prompt: 'b' })).toBe(false);
});
