/** What the codec does with several versions of one message. The real schemas change with time, so these are made up. */
import avro from 'avsc';
import { codecOf, UndecodableError } from '../../../lib/avro/codec';

jest.mock('../../../lib/topics/generated/schemas', () => {
  const record = (...fields: unknown[]) => ({ type: 'record', name: 'Thing', namespace: 'quantumrouter', fields });
  return {
    schemaVersions: {
      Thing: [
        { id: 1, schema: record({ name: 'id', type: 'string' }, { name: 'gone', type: 'int' }) },
        { id: 4, schema: record({ name: 'id', type: 'string' }, { name: 'size', type: 'double', default: 2.5 }) },
      ],
    },
  };
});

const codec = codecOf<{ id: string; size: number }>('Thing');
const first = avro.Type.forSchema({
  type: 'record',
  name: 'Thing',
  namespace: 'quantumrouter',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'gone', type: 'int' },
  ],
});
const framed = (id: number, bytes: Buffer): Buffer => {
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, bytes]);
};

test('writes the latest version', () => {
  expect(codec.schemaId).toBe(4);
  expect(codec.encode({ id: 'a', size: 1 }).readInt32BE(1)).toBe(4);
});

test('reads older versions: new fields by their default, old ones passed over', () => {
  for (const id of ['a', 'b']) {
    expect(codec.decode(framed(1, first.toBuffer({ id, gone: 7 })))).toEqual({ id, size: 2.5 });
  }
});

test('of an older version a part is the whole record', () => {
  const readSize = codec.partDecoder({ size: true });
  expect(readSize(framed(1, first.toBuffer({ id: 'a', gone: 7 })))).toEqual({ id: 'a', size: 2.5 });
  expect(readSize(codec.encode({ id: 'a', size: 3 }))).toEqual({ size: 3 });
  expect(() => readSize(framed(2, Buffer.from([20])))).toThrow('unknown schema id 2');
});

test('broken bytes of an older version are undecodable', () => {
  expect(() => codec.decode(framed(1, Buffer.from([20])))).toThrow(UndecodableError);
});
