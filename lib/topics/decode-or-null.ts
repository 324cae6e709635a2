/**
 * Records of a topic that is read outside the runtime. Anybody may have written into it: what cannot be decoded is none of
 * ours, and must not keep a service from what is.
 */
import type { Topic } from './define-topic';

export function decodeOrNull<T>({ codec }: Pick<Topic<T>, 'codec'>, value: Buffer): T | null {
  try {
    return codec.decode(value);
  } catch {
    return null;
  }
}
