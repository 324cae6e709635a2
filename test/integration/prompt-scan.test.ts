import { scanPrompts } from '../../checks/prompt-scan';

it('keeps prompt text in the request topic and its dead letters, and answers nowhere but encrypted', async () => {
  const { leaks, foundInRequests, foundInDeadLetters, openedAnswers } = await scanPrompts();
  expect(leaks).toEqual([]);
  // The search is able to find what is there.
  expect(foundInRequests).toBeGreaterThan(60);
  expect(foundInDeadLetters).toBeGreaterThan(3);
  expect(openedAnswers).toBeGreaterThan(0);
});
