import { attack, seed, unharmed } from './attack';

it(`decides and learns as before behind hostile HTTP requests (seed ${seed})`, async () => {
  expect(await attack('http', 8_000)).toEqual(unharmed(8_000));
});
