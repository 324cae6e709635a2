/** What is read of somebody who may send without end. */
import { readAtMost } from '../../lib/read-at-most';

function sender(pieces: number, bytesEach: number) {
  let sent = 0;
  let isEnded = false;
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      while (sent < pieces) {
        sent++;
        yield new Uint8Array(bytesEach).fill(sent);
      }
    } finally {
      isEnded = true;
    }
  }
  return { body: body(), sent: () => sent, isEnded: () => isEnded };
}

test('all of it, up to the limit itself', async () => {
  expect(await readAtMost(sender(2, 3).body, 6)).toEqual(Buffer.from([1, 1, 1, 2, 2, 2]));
  expect(await readAtMost(sender(0, 3).body, 6)).toEqual(Buffer.alloc(0));
});

test('of a body without end no more than the piece that is too much, and its sender is told', async () => {
  const { body, sent, isEnded } = sender(Number.POSITIVE_INFINITY, 4);
  expect(await readAtMost(body, 10)).toBeNull();
  expect([sent(), isEnded()]).toEqual([3, true]);
});

test('a body that breaks rejects', async () => {
  async function* breaks(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    throw new Error('the connection is gone');
  }
  await expect(readAtMost(breaks(), 10)).rejects.toThrow('the connection is gone');
});
