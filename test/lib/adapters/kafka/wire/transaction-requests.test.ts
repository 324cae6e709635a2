import {
  commitInTransaction,
  endTransaction,
  stablePositions,
  transactionVersion,
} from '../../../../../lib/adapters/kafka/wire/transaction-requests';

const refuse = (code: number): Error => new Error(`error ${code}`);
const producer = { producerId: '1', producerEpoch: 0, transactionalId: 'id' };

async function answered<T>(
  own: { readonly response: { decode(bytes: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<T> } },
  hex: string,
): Promise<T> {
  return own.response.parse(await own.response.decode(Buffer.from(hex, 'hex')));
}

/** As a broker has answered for two topics: 25 is UNKNOWN_MEMBER_ID. */
const committed = (first: string, second: string): string =>
  `00000000000317612e746f7069632e6f662e736f6d652e6c656e6774680200000000${first}00001d616e6f746865722e746f7069632e6f662e736f6d652e6c656e6774680200000000${second}000000`;

describe('answers to requests of transactions', () => {
  const commit = commitInTransaction(
    {
      ...producer,
      joins: true,
      groupId: 'group',
      generationId: 1,
      memberId: 'member',
      partition: 0,
      positions: new Map(),
    },
    refuse,
  );

  test('positions that were taken', async () => {
    await expect(answered(commit, committed('0000', '0000'))).resolves.toMatchObject({ errorCode: 0 });
  });

  test('positions of several topics that were refused are told by the first error', async () => {
    await expect(answered(commit, committed('0019', '0019'))).rejects.toThrow('error 25');
    await expect(answered(commit, committed('0000', '0019'))).rejects.toThrow('error 25');
  });

  test('positions of several topics that cannot be read yet are told by the first error', async () => {
    const topic = (name: string): string =>
      `02${Buffer.from(name).toString('hex')}0200000000ffffffffffffffffffffffff00005800 00`.replace(' ', '');
    const question = stablePositions({ groupId: 'group', topics: ['a', 'b'], partition: 0 }, refuse);
    const hex = `000000000003${topic('a')}${topic('b')}000000`;
    await expect(answered(question, hex)).rejects.toThrow('error 88');
  });

  test('the end of a transaction brings the epoch of the next', async () => {
    const end = endTransaction({ ...producer, commits: true }, refuse);
    await expect(answered(end, '000000000000000000000000000007000500')).resolves.toMatchObject({
      producerId: '7',
      producerEpoch: 5,
    });
    await expect(answered(end, '00000000000033ffffffffffffffffffff00')).rejects.toThrow('error 51');
  });

  test('the version of transactions is the one that the cluster has agreed on; without any it is 0', async () => {
    const feature = (name: string, level: string): string =>
      `${(name.length + 1).toString(16).padStart(2, '0')}${Buffer.from(name).toString('hex')}${level}000000`;
    const features = `03${feature('metadata.version', '001b')}${feature('transaction.version', '0002')}`;
    const size = (features.length / 2).toString(16).padStart(2, '0');
    const head = '00000200000000000c0000000000';
    const question = transactionVersion(refuse);
    await expect(
      answered(question, `${head}0201080000000000000001 02${size}${features}`.replace(' ', '')),
    ).resolves.toMatchObject({ version: 2 });
    await expect(answered(question, `${head}00`)).resolves.toMatchObject({ version: 0 });
  });
});
