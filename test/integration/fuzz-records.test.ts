import { attack, seed, unharmed } from './attack';

it(`decides and learns as before behind hostile records (seed ${seed})`, async () => {
  expect(await attack('records', 8_000)).toEqual(unharmed(8_000));
});
