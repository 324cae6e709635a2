/** A picture or a document that stands in its own address (RFC 2397), as providers that take no such address want it. */
export interface DataAddress {
  readonly mediaType: string;
  /** Base64. */
  readonly data: string;
}

/** Null for an address of any other kind, and for one that says nothing of what it holds. */
export function readDataAddress(address: string): DataAddress | null {
  if (!/^data:/i.test(address)) return null;
  const comma = address.indexOf(',');
  if (comma < 0) return null;
  const [mediaType = '', ...parameters] = address.slice('data:'.length, comma).split(';');
  if (mediaType.trim() === '') return null;
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64');
  const said = address.slice(comma + 1);
  // In base64 itself there is no percent sign.
  const text = said.includes('%') ? decoded(said) : said;
  const data = text === null || isBase64 ? text : Buffer.from(text).toString('base64');
  return data === null ? null : { mediaType: mediaType.trim().toLowerCase(), data };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
