/** Requests that are written here because kafkajs has none of them, or none in a version that will do. */
import { FlexibleReader, FlexibleWriter } from './flexible-format';

/** A request as kafkajs's connections take it. */
export interface OwnRequest<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    decode(bytes: Buffer): Promise<unknown>;
    parse(decoded: unknown): Promise<T>;
  };
}

/** Makes an error of Kafka's code. */
export type ErrorOfCode = (code: number) => Error;

interface Answer {
  readonly clientSideThrottleTime: number;
  /** The first error in it; 0 for none. */
  readonly errorCode: number;
}

/** A request of a flexible version. It is rejected with the error that is in its answer. */
export function ownRequest<T extends Answer>(
  apiKey: number,
  apiVersion: number,
  apiName: string,
  errorOf: ErrorOfCode,
  format: {
    /** The header of the answer has no tagged fields: of ApiVersions alone, which has to be understood by everybody. */
    readonly hasPlainAnswer?: boolean;
    write(out: FlexibleWriter): void;
    read(bytes: FlexibleReader): T;
  },
): OwnRequest<T> {
  return {
    request: {
      apiKey,
      apiVersion,
      apiName,
      async encode() {
        const out = new FlexibleWriter();
        // kafkajs writes the header of older versions, which lacks its tagged fields: they come first here.
        out.noTags();
        format.write(out);
        const buffer = out.bytes();
        return { buf: buffer, buffer };
      },
    },
    response: {
      async decode(bytes) {
        const reader = new FlexibleReader(bytes);
        // Of the header, as above.
        if (!format.hasPlainAnswer) reader.skipTags();
        return format.read(reader);
      },
      async parse(decoded) {
        const answer = decoded as T;
        if (answer.errorCode !== 0) throw errorOf(answer.errorCode);
        return answer;
      },
    },
  };
}
