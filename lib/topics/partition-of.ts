/** Which partition a key belongs to: murmur2 exactly as Java clients and kafkajs hash it, so foreign producers agree. */

/** `toPositive(murmur2(utf8(key))) mod partitions`. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

/** 32-bit MurmurHash 2 of Kafka's `Utils.murmur2`: signed result, seed 0x9747b28c. */
export function murmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995;
  const length = bytes.length;
  let hash = 0x9747b28c ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(k, m);
  }
  const rest = length - i;
  if (rest > 0) {
    if (rest === 3) hash ^= bytes[i + 2]! << 16;
    if (rest >= 2) hash ^= bytes[i + 1]! << 8;
    hash = Math.imul(hash ^ bytes[i]!, m);
  }
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return hash ^ (hash >>> 15);
}
