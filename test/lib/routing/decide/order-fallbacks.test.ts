import fc from 'fast-check';
import { orderFallbacks } from '../../../../lib/routing/decide/order-fallbacks';
import { anyOpened, candidateOf } from '../fixtures';

test('other providers first, the best of each, then their next', () => {
  const candidates = [
    candidateOf('a1', 'a'),
    candidateOf('a2', 'a'),
    candidateOf('b1', 'b'),
    candidateOf('b2', 'b'),
    candidateOf('c1', 'c'),
    candidateOf('d1', 'd', { eligible: false }),
  ];
  const order = orderFallbacks(candidates, [1, 0.9, 0.8, 0.85, 0.1, 2], 0).map(({ model }) => model);
  expect(order).toEqual(['b2', 'c1', 'a2', 'b1']);
});

test('every other eligible candidate exactly once, never the chosen one', () => {
  const utilities = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(anyOpened, utilities, (opened, values) => {
      const chosen = opened.candidates.findIndex((candidate) => candidate.eligible);
      const order = orderFallbacks(opened.candidates, values, chosen);
      const expected = opened.candidates.filter((candidate, i) => candidate.eligible && i !== chosen);
      expect(order.map(({ model }) => model).sort()).toEqual(expected.map(({ model }) => model).sort());
      const { provider } = opened.candidates[chosen]!;
      const isOther = order.map((fallback) => fallback.provider !== provider);
      if (isOther.includes(true)) expect(isOther[0]).toBe(true);
    }),
  );
});

test('each next one is of the provider named least so far, the best of those', () => {
  const model = fc.record({
    provider: fc.constantFrom('a', 'b', 'c', 'd'),
    eligible: fc.boolean(),
    utility: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(model, { minLength: 1, maxLength: 16 }), fc.nat(15), (models, at) => {
      const chosen = at % models.length;
      const candidates = models.map(({ provider, eligible }, i) => candidateOf(`m${i}`, provider, { eligible }));
      const utilities = models.map(({ utility }) => utility);
      const named = [candidates[chosen]!.provider];
      const countOf = (provider: string) => named.filter((other) => other === provider).length;
      let rest = candidates.map((_, i) => i).filter((i) => candidates[i]!.eligible && i !== chosen);
      for (const fallback of orderFallbacks(candidates, utilities, chosen)) {
        const least = Math.min(...rest.map((i) => countOf(candidates[i]!.provider)));
        const allowed = rest.filter((i) => countOf(candidates[i]!.provider) === least);
        const best = allowed.reduce((a, b) => (utilities[b]! > utilities[a]! ? b : a));
        expect(fallback.model).toBe(candidates[best]!.model);
        named.push(fallback.provider);
        rest = rest.filter((i) => i !== best);
      }
      expect(rest).toEqual([]);
    }),
  );
});
