import { attack, seed, unharmed } from './attack';

it(`decides and learns as before behind hostile configurations (seed ${seed})`, async () => {
  expect(await attack('configuration', 4_000)).toEqual(unharmed(4_000));
});
