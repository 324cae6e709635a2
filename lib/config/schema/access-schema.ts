/** What a configuration file may say of who may use the gateway. Keys are elsewhere: they are secrets. */
import { z } from 'zod';
import { roles } from '../../access/roles';
import { tokenAlgorithms } from '../access-config';
import type { Issue } from '../describe-issues';

const maxEntries = 16;
const name = z.string().min(1).max(200);
const table = <T extends z.ZodType>(value: T, max: number) =>
  z.record(name, value).refine((entries) => Object.keys(entries).length <= max, {
    error: `must have at most ${max} entries`,
  });
/** What is read from elsewhere over the network could be changed on the way. */
const secureAddress = z
  .url({ error: 'must be an address that starts with https:// (or http:// on this machine)' })
  .max(1_000)
  .refine((url) => /^https:\/\/|^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)/.test(url), {
    error: 'must be an address that starts with https:// (or http:// on this machine)',
  })
  .refine((url) => !url.includes('@'), { error: 'must have no user or password in it' });

const issuerSchema = z.strictObject({
  issuer: secureAddress.describe('iss of its tokens, exactly as they say it'),
  audience: name.describe('aud that its tokens must have: what says that they are for this gateway'),
  jwksUri: secureAddress
    .nullable()
    .default(null)
    .describe('where its public keys are; null for where its discovery document says'),
  algorithms: z
    .array(z.enum(tokenAlgorithms))
    .min(1)
    .max(tokenAlgorithms.length)
    .default(['RS256', 'ES256'])
    .describe(`signatures that are taken; of ${tokenAlgorithms.join(', ')}`),
  roleClaim: name.default('roles').describe('claim with the roles, by its name or by a path with dots'),
  roles: table(z.enum(roles), 64)
    .default({})
    .describe('values of that claim and what each may do: caller, viewer, operator or admin'),
  defaultRole: z.enum(roles).nullable().default(null).describe('for tokens without such a value; null for nothing'),
  tenantClaim: name
    .nullable()
    .default(null)
    .describe('claim that names the tenant of callers and viewers; null for none'),
});

export const accessSchema = z
  .strictObject({
    issuers: table(issuerSchema, maxEntries).default({}).describe('who issues OIDC bearer tokens that are taken'),
    cors: z
      .strictObject({
        origins: z
          .array(
            z
              .string()
              .max(300)
              .regex(/^(\*|https?:\/\/[^/\s@?#*]+)$/, {
                error: 'must be an origin such as https://app.example.com, without a path, or "*"',
              }),
          )
          .max(64)
          .default([])
          .describe('origins whose pages may call from a browser'),
        maxAgeSeconds: z.int().min(0).max(86_400).default(600).describe('how long a browser may remember that'),
      })
      .prefault({})
      .describe('pages of other origins'),
  })
  .prefault({})
  .describe('who may use the gateway besides those with keys (quantum-router keys); changed by a file alone');

/** Rules over several fields. */
export function accessIssues(access: unknown): Issue[] {
  const issuers = isObject(access) ? access['issuers'] : undefined;
  if (!isObject(issuers)) return [];
  const firstOf = new Map<unknown, string>();
  return Object.entries(issuers).flatMap(([key, one]): Issue[] => {
    if (!isObject(one)) return [];
    const first = firstOf.get(one['issuer']);
    if (first !== undefined)
      return [{ path: ['access', 'issuers', key, 'issuer'], message: `is that of "${first}" already`, at: 'value' }];
    firstOf.set(one['issuer'], key);
    const mapsNothing = !isObject(one['roles']) || Object.keys(one['roles']).length === 0;
    if (mapsNothing && (one['defaultRole'] ?? null) === null)
      return [
        { path: ['access', 'issuers', key], message: 'gives nobody a role: say roles or defaultRole', at: 'value' },
      ];
    return [];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
