import { scanPrompts } from '../../checks/prompt-scan';

it('keeps prompt text in the request topic and its dead letters', async () => {
  const { leaks, foundInRequests, foundInDeadLetters } = await scanPrompts();
  expect(leaks).toEqual([]);
  // The search is able to find what is there.
  expect(foundInRequests).toBeGreaterThan(60);
  expect(foundInDeadLetters).toBeGreaterThan(3);
});
