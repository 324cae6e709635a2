import { answerKeyOf, openAnswer, sealAnswer } from '../../../../services/gateway/answers/seal-answer';

const key = Buffer.alloc(32, 7);
const nonce = Buffer.alloc(12, 1);
const label = {
  ...{ decisionId: 'd', routingKey: 'd', tenantId: 'acme', model: 'm' },
  ...{ keptAtMs: 1, expiresAtMs: 2, keyId: 'k1' },
};
const content = { text: 'grüße', toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }], isCut: false };

test('what is sealed opens with its key, and says nothing of itself', () => {
  const kept = sealAnswer(content, label, key, nonce);
  expect(openAnswer(kept, key)).toEqual(content);
  expect(kept.sealed.toString('latin1')).not.toMatch(/weather|Oslo/);
  expect(openAnswer(kept, Buffer.alloc(32, 8))).toBeNull();
});

test.each([
  ['tenantId', 'other'],
  ['tenantId', null],
  ['expiresAtMs', 3_000_000_000_000],
  ['decisionId', 'e'],
  ['keyId', 'k2'],
  ['model', 'n'],
  ['nonce', Buffer.alloc(12, 2)],
  ['nonce', Buffer.alloc(0)],
  ['sealed', Buffer.alloc(0)],
  ['sealed', Buffer.alloc(40)],
])('nothing of a record can be changed: %s', (field, value) => {
  expect(openAnswer({ ...sealAnswer(content, label, key, nonce), [field]: value }, key)).toBeNull();
});

test('a key is 32 bytes as base64', () => {
  expect(answerKeyOf(` ${key.toString('base64')}\n`)).toEqual(key);
  for (const wrong of ['', 'secret', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64')])
    expect(answerKeyOf(wrong)).toBeNull();
});
