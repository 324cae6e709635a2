import { createHash } from 'node:crypto';
import { isHash, isKey, keyIdOf, looksLikeKey, makeKey } from '../../../lib/access/key-secret';

test('a key has 256 random bits of its own, and its hash is not its secret', () => {
  const asked: number[] = [];
  const made = makeKey((bytes) => {
    asked.push(bytes);
    return Buffer.alloc(bytes, asked.length);
  });
  expect(asked).toEqual([6, 32]);
  expect(made.keyId).toBe('010101010101');
  expect(made.secret).toBe(`qr_010101010101_${Buffer.alloc(32, 2).toString('base64url')}`);
  expect(isHash(made.hash)).toBe(true);
  expect(made.hash.equals(createHash('sha256').update(made.secret).digest())).toBe(false);
  expect(new Set(Array.from({ length: 50 }, () => makeKey().secret)).size).toBe(50);
});

test('a key is its own, and nothing that differs in one character is', () => {
  const { secret, hash, keyId } = makeKey();
  expect(isKey(secret, hash)).toBe(true);
  expect(keyIdOf(secret)).toBe(keyId);
  for (let at = 0; at < secret.length; at++) {
    const other = secret.slice(0, at) + (secret[at] === 'a' ? 'b' : 'a') + secret.slice(at + 1);
    expect([at, isKey(other, hash)]).toEqual([at, false]);
  }
  for (const short of ['', secret.slice(0, -1), `${secret}a`]) {
    expect(isKey(short, hash)).toBe(false);
    expect(keyIdOf(short)).toBeNull();
  }
  // A row of the topic may hold anything.
  for (const broken of [Buffer.alloc(0), hash.subarray(1), Buffer.concat([hash, hash])])
    expect(isKey(secret, broken)).toBe(false);
});

test.each([
  ['qr_', true],
  ['qr_anything', true],
  ['sk-proj-1', false],
  ['unused', false],
  ['', false],
])('%j claims to be a key: %s', (text, claims) => {
  expect(looksLikeKey(text)).toBe(claims);
});
