/** From the bytes of a request to a checked value, or to an error that names the field. All that is held is counted. */
import { isAscii, isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { z } from 'zod';
import { checkValue } from '../../../lib/config/describe-issues';
import type { BodyBudget, BodyShare } from './body-budget';
import { jsonTextFault } from './check-json-text';
import { HttpError, invalidField, invalidFields } from './http-error';
import { locateJsonFault } from './malformed-json';

const decoders = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** What a body may be compressed with, as a header lists it. */
export const acceptedEncodings = 'gzip, deflate, br';

export interface BodyLimits {
  /** Of the body as it is sent, and again of what it is when decompressed. */
  readonly maxBodyBytes: number;
  /** What is said with the refusal of a larger one; '' where there is nothing to do. */
  readonly advice: string;
  readonly budget: BodyBudget;
  /** Called before the first byte is taken: the share is to be released when the request is over, however it ends. */
  readonly onShare: (share: BodyShare) => void;
}

/** Receives and decompresses a body. Rejects with an HttpError as soon as it is clear that it will not be taken. */
export async function readText(request: IncomingMessage, limits: BodyLimits): Promise<string> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decode = decoders.get(encoding);
  if (!decode && encoding !== 'identity' && encoding !== '') {
    throw new HttpError(
      'unsupported_media_type',
      `content-encoding ${JSON.stringify(encoding.slice(0, 40))} is not taken; send ${acceptedEncodings} or none`,
      'content-encoding',
    );
  }
  const { sent, share } = await receive(request, limits);
  const bytes = decode ? await decompress(decode, sent, limits.maxBodyBytes, share) : sent;
  const text = textOf(bytes);
  // What comes next takes its time, too: others have their turn in between.
  if (bytes.length > largeBodyBytes) await nextTurn();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

const largeBodyBytes = 1_048_576;

function textOf(bytes: Buffer): string {
  // Mostly it is, and then each byte is a character as it stands: for a picture of megabytes that is ten times as fast.
  if (isAscii(bytes)) return bytes.toString('latin1');
  // Bytes that are no UTF-8 would become U+FFFD, and with them different ids the same.
  if (!isUtf8(bytes)) throw new HttpError('malformed_body', 'the body is not UTF-8', '');
  return bytes.toString('utf8');
}

function receive(
  request: IncomingMessage,
  { maxBodyBytes, advice, budget, onShare }: BodyLimits,
): Promise<{ sent: Buffer; share: BodyShare }> {
  const tooLarge = () =>
    new HttpError('body_too_large', `the body is larger than the ${maxBodyBytes} bytes this gateway takes${advice}`);
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const refuse = (error: HttpError): void => {
      stop();
      reject(error);
    };
    const share = budget.open(() => refuse(noRoom()));
    onShare(share);
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBodyBytes) refuse(tooLarge());
      else if (share.take(chunk.length)) chunks.push(chunk);
      else refuse(noRoom());
    };
    const done = (): void => {
      const sent = Buffer.concat(chunks);
      stop();
      share.complete();
      resolve({ sent, share });
    };
    const gone = (): void => refuse(new HttpError('malformed_body', 'the body ended too early', ''));
    const stop = (): void => {
      request.off('data', take).off('end', done).off('close', gone).off('error', gone);
      chunks.length = length = 0;
    };
    request.on('data', take).on('end', done).on('close', gone).on('error', gone);
  });
}

/** The answer to a body for which there is no room beside those that others send. */
function noRoom(): HttpError {
  return new HttpError('overloaded', 'too many bytes of bodies are under way; try again later');
}

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

/** In a thread of the pool, and no further than a body may be long: a small one may stand for gigabytes. */
async function decompress(decode: Decode, sent: Buffer, maxBodyBytes: number, share: BodyShare): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await decode(sent, { maxOutputLength: maxBodyBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new HttpError('body_too_large', `the body is larger than ${maxBodyBytes} bytes when decompressed`);
    throw new HttpError('malformed_body', 'the body cannot be decompressed as its content-encoding says', '');
  }
  if (!share.take(bytes.length)) throw noRoom();
  return bytes;
}

/** Parses JSON; on failure says where it stops being JSON and in which field. */
export function parseJson(text: string): unknown {
  const fault = jsonTextFault(text);
  if (fault) throw invalidField(fault.field, fault.message);
  try {
    return JSON.parse(text);
  } catch {
    if (text.trim() === '') throw new HttpError('malformed_json', 'the body is empty; send a JSON object', '');
    const located = locateJsonFault(text);
    const where = `line ${located.line}, column ${located.column}${located.field === '' ? '' : ` (${located.field})`}`;
    throw new HttpError('malformed_json', `not JSON at ${where}: ${located.message}`, located.field);
  }
}

export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const checked = checkValue(schema, body);
  if (checked.ok) return checked.value;
  throw invalidFields(checked.issues, checked.stopped);
}
