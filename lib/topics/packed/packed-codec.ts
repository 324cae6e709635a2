/**
 * Codecs of topics whose records say the same in the log in another form than in memory: lists of candidates become columns
 * of numbers. Whoever encodes or decodes through the topic sees nothing of it, and records of earlier releases, which were
 * not packed, are read as they are.
 */
import { type Codec, UndecodableError } from '../../avro/codec';
import { Room } from './room';

export interface Packing<T> {
  /** Fields that other fields of the record in the log stand for. */
  readonly fields: readonly (keyof T & string)[];
  /**
   * The record as it is written. It is used at once and not kept. What cannot be packed, wrong values among it, is written
   * unpacked: then the schema says what is wrong with it.
   */
  pack(value: T, room: Room): unknown;
  /** Throws when the columns do not fit together. `read` is the caller's own, and may be changed. */
  unpack(read: unknown): T;
}

/** Encoding is synchronous and ends before the next record begins, so one room serves all codecs. */
const room = new Room();

export function packedCodec<T>(codec: Codec<T>, { fields, pack, unpack }: Packing<T>): Codec<T> {
  const decode = (bytes: Buffer): T => {
    const read = codec.decode(bytes);
    try {
      return unpack(read);
    } catch (error) {
      throw new UndecodableError(`not a ${codec.schemaName}: ${(error as Error).message}`, { cause: error });
    }
  };
  return {
    schemaName: codec.schemaName,
    schemaId: codec.schemaId,
    encode(value) {
      room.clear();
      return codec.encode(pack(value, room) as T);
    },
    decode,
    decodeFields(bytes, wanted) {
      return wanted.some((field) => fields.includes(field)) ? decode(bytes) : codec.decodeFields(bytes, wanted);
    },
    /** What nobody looks at is not unpacked: whether its columns fit together is found out by those who do. */
    partDecoder(part) {
      return fields.some((field) => Object.hasOwn(part, field)) ? decode : codec.partDecoder(part);
    },
  };
}
