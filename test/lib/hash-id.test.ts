import { hashId } from '../../lib/hash-id';

test('an id is 16 digits, whatever its length, and another text has another one', () => {
  // The beginning of the SHA-256 of nothing.
  expect(hashId('')).toBe('e3b0c44298fc1c14');
  expect(hashId('x'.repeat(100_000))).toMatch(/^[0-9a-f]{16}$/);
  expect(hashId('a')).not.toBe(hashId('b'));
});
