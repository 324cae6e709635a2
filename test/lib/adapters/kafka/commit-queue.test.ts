import { CommitQueue, type Positions } from '../../../../lib/adapters/kafka/commit-queue';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

function coordinator() {
  const sent: Record<string, Record<number, number>>[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const send = (positions: Positions): Promise<void> => {
    sent.push(Object.fromEntries([...positions].map(([topic, of]) => [topic, Object.fromEntries(of)])));
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  return {
    sent,
    send,
    answer: () => waiting.shift()!.resolve(),
    refuse: (error: Error) => waiting.shift()!.reject(error),
  };
}

describe('commits of positions', () => {
  test('partitions that commit in one turn share a request, and one is out at a time', async () => {
    const to = coordinator();
    const queue = new CommitQueue(to.send);
    const first = [queue.commit(0, new Map([['a', 5]])), queue.commit(1, new Map([['a', 6]]))];
    await turn();
    const second = [queue.commit(0, new Map([['a', 7]])), queue.commit(1, new Map([['b', 1]]))];
    await turn();
    expect(to.sent).toEqual([{ a: { 0: 5, 1: 6 } }]);
    to.answer();
    await Promise.all(first);
    await turn();
    expect(to.sent.slice(1)).toEqual([{ a: { 0: 7 }, b: { 1: 1 } }]);
    to.answer();
    await Promise.all(second);
    const third = queue.commit(0, new Map([['a', 8]]));
    await turn();
    to.answer();
    await third;
    expect(to.sent).toHaveLength(3);
  });

  test('a failed request fails those it carried, and no others', async () => {
    const to = coordinator();
    const queue = new CommitQueue(to.send);
    const first = queue.commit(0, new Map([['a', 5]]));
    await turn();
    const second = queue.commit(0, new Map([['a', 6]]));
    to.refuse(new Error('no'));
    await expect(first).rejects.toThrow('no');
    await turn();
    to.answer();
    await second;
  });
});
