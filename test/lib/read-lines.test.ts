import fc from 'fast-check';
import { type Line, readLines } from '../../lib/read-lines';

async function linesOf(...chunks: (string | Buffer)[]): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readLines(
    (async function* () {
      yield* chunks;
    })(),
  ))
    lines.push(line);
  return lines;
}

const text = (...texts: string[]): Line[] => texts.map((one) => ({ ok: true, text: one }));

test('a byte order mark and Windows line ends are no part of a line', async () => {
  expect(await linesOf('\uFEFF{"a":1}\r\n\r\nlast')).toEqual(text('{"a":1}', '', 'last'));
  expect(await linesOf('a\n')).toEqual(text('a'));
  expect(await linesOf()).toEqual([]);
});

test('lines are the same wherever the chunks are cut', async () => {
  const whole = Buffer.from('ä\nöü€\r\n😀 end');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 6 }), async (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((end, i) => whole.subarray(at[i]!, end));
      expect(await linesOf(...chunks)).toEqual(text('ä', 'öü€', '😀 end'));
    }),
  );
});

test('a line that is no text is told, and those around it are read', async () => {
  expect(await linesOf(Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a, 0x62]))).toEqual([
    ...text('a'),
    { ok: false, message: 'the line is not UTF-8 text' },
    ...text('b'),
  ]);
});

test('a line without an end is told as soon as it is too long', async () => {
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) yield Buffer.alloc(1_048_576);
  }
  for await (const line of readLines(endless())) {
    expect(line).toEqual({ ok: false, message: 'the line is longer than 4194304 bytes' });
    break;
  }
});

test('a line that is far too long is told without being held in memory', async () => {
  const chunk = Buffer.alloc(1_048_576, 'x');
  expect(await linesOf(chunk, chunk, chunk, chunk, chunk, '\nshort')).toEqual([
    { ok: false, message: 'the line is longer than 4194304 bytes' },
    ...text('short'),
  ]);
});
