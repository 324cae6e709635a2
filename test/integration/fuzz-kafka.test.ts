import { describeWithServers, kafkaAddress } from '../servers';
import { attack, seed, unharmed } from './attack';

describeWithServers(`hostile records on Kafka, seed ${seed}`, () => {
  it('do no more there', async () => {
    expect(await attack('records', 250, ['--kafka', kafkaAddress()])).toEqual(unharmed(250));
  });
});
