import { wantsColour } from '../../../lib/terminal/wants-colour';

test.each([
  [true, {}, true],
  [true, { NO_COLOR: '' }, true],
  [true, { NO_COLOR: '1' }, false],
  [false, {}, false],
])('terminal %s with %j: colours %s', (isTerminal, environment, expected) => {
  expect(wantsColour({ isTerminal }, environment)).toBe(expected);
});
