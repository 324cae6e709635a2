/** Who may use the gateway besides those with keys: people and programs with tokens of an issuer, and pages of other origins. */
import type { Role } from '../access/roles';

/** All are signatures by a private key that the issuer alone has: with a shared secret whoever can check a token can make one. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** An issuer of OIDC bearer tokens, and what its claims mean here. */
export interface IssuerConfig {
  /** The `iss` of its tokens, exactly. */
  readonly issuer: string;
  /** What its tokens must be for (`aud`). */
  readonly audience: string;
  /** Where its keys are; null: where its discovery document says. */
  readonly jwksUri: string | null;
  readonly algorithms: readonly (typeof tokenAlgorithms)[number][];
  /** A claim by its name, or by a path with dots. */
  readonly roleClaim: string;
  /** Values of that claim and the role each gives; the one with the most rights counts. */
  readonly roles: Readonly<Record<string, Role>>;
  /** For tokens without such a value; null: they may nothing. */
  readonly defaultRole: Role | null;
  /** Claim that names the tenant of callers and viewers; null: they have none. */
  readonly tenantClaim: string | null;
}

export interface AccessConfig {
  /** By a name of the operator's own. */
  readonly issuers: Readonly<Record<string, IssuerConfig>>;
  readonly cors: {
    /** Origins whose pages may call from a browser, or `*` for all. */
    readonly origins: readonly string[];
    readonly maxAgeSeconds: number;
  };
}
