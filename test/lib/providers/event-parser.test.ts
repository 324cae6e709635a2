import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { createEventParser } from '../../../lib/providers/event-parser';

type Parser = (said: string[]) => (text: string) => void;
const ours: Parser = (said) =>
  createEventParser({
    onEvent: ({ event, data }) => said.push(JSON.stringify([event, data])),
    onComment: () => said.push('comment'),
  }).feed;
const theirs: Parser = (said) =>
  createParser({
    onEvent: ({ event = null, data }) => said.push(JSON.stringify([event, data])),
    onComment: () => said.push('comment'),
  }).feed;

function saidOf(parser: Parser, pieces: readonly string[]): string[] {
  const said: string[] = [];
  const feed = parser(said);
  for (const piece of pieces) feed(piece);
  return said;
}

const words = [
  '\n',
  '\r',
  '\r\n',
  ':',
  ': ',
  'data',
  'data:',
  'data: x',
  'event',
  'event: ping',
  'event:',
  'id: 7',
  'a',
];

test('any text is read as the library reads it, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), fc.array(fc.nat(60)), (list, cuts) => {
      // The end of the last line is certain: the library waits for what may follow a carriage return.
      const text = `${list.join('')}\n\n\n`;
      const at = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
      expect(saidOf(ours, pieces)).toEqual(saidOf(theirs, [text]));
    }),
    { numRuns: 3_000 },
  );
});

test('an event is told as soon as its empty line is there, whichever way lines end', () => {
  for (const end of ['\n', '\r', '\r\n']) expect(saidOf(ours, [`data: x${end}`, end])).toEqual(['[null,"x"]']);
});
