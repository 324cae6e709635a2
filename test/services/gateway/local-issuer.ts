/** An OIDC issuer on this machine with real keys, which it can exchange. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, type KeyLike, SignJWT } from 'jose';
import { atEnd } from '../../started';

export interface LocalIssuer {
  readonly url: string;
  /** How often its keys were asked for. */
  asked(): number;
  /** Makes another key; the one before is no longer published, unless it is kept. */
  rotate(algorithm?: string, keepsLast?: boolean): Promise<void>;
  /** From now on tokens do not say by which key they were signed. */
  leaveOutKeyIds(): void;
  sign(
    claims: JWTPayload,
    options?: { readonly audience?: string; readonly expiresIn?: string | null },
  ): Promise<string>;
  /** Signed by a key that it never published. */
  forge(claims: JWTPayload): Promise<string>;
  /** From now on its keys cannot be had. */
  goAway(): Promise<void>;
}

export async function startIssuer(): Promise<LocalIssuer> {
  let server: Server | null = null;
  let asked = 0;
  let current: { readonly kid: string; readonly algorithm: string; readonly privateKey: KeyLike; readonly jwk: object };
  let made = 0;
  let published: object[] = [];
  let hasKeyIds = true;
  const make = async (algorithm: string) => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm);
    const kid = `key-${++made}`;
    return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } };
  };
  current = await make('ES256');
  published = [current.jwk];
  server = createServer((request, response) => {
    const { port } = server!.address() as AddressInfo;
    const issuer = `http://127.0.0.1:${port}`;
    const isKeys = request.url === '/keys';
    if (isKeys) asked++;
    const body = isKeys ? { keys: published } : { issuer, jwks_uri: `${issuer}/keys` };
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server!.close(() => resolve());
      server!.closeAllConnections();
    });
  atEnd(close);
  const signed = (
    claims: JWTPayload,
    key: Pick<typeof current, 'kid' | 'algorithm' | 'privateKey'>,
    { audience = 'router', expiresIn = '5m' }: { audience?: string; expiresIn?: string | null } = {},
  ): Promise<string> => {
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg: key.algorithm, ...(hasKeyIds && { kid: key.kid }) })
      .setIssuer(claims.iss ?? url)
      .setAudience(audience)
      .setIssuedAt();
    return (expiresIn === null ? token : token.setExpirationTime(expiresIn)).sign(key.privateKey);
  };
  return {
    url,
    asked: () => asked,
    async rotate(algorithm = 'ES256', keepsLast = false) {
      const last = current.jwk;
      current = await make(algorithm);
      published = [current.jwk, ...(keepsLast ? [last] : [])];
    },
    leaveOutKeyIds() {
      hasKeyIds = false;
    },
    sign: (claims, options) => signed(claims, current, options),
    forge: async (claims) => signed(claims, { ...(await make('ES256')), kid: current.kid }),
    goAway: close,
  };
}
