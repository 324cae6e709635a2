/** What somebody may do. Rights are what routes ask for; a role is a set of them with a name. */
export const roles = ['caller', 'viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/**
 * `call`: have requests decided and models called, and report on them. `view`: look at what the engine knows. `operate`:
 * change weights and configuration. `administer`: keys and the audit trail.
 */
export type Right = 'call' | 'view' | 'operate' | 'administer';

const rightsByRole: Readonly<Record<Role, readonly Right[]>> = {
  caller: ['call'],
  viewer: ['view'],
  operator: ['call', 'view', 'operate'],
  admin: ['call', 'view', 'operate', 'administer'],
};

export function rightsOf(role: Role): readonly Right[] {
  return rightsByRole[role];
}

/**
 * Whether somebody of this role sees and names only what belongs to his tenant (or, without one, to nobody). The others look
 * after the whole installation, and have no tenant.
 */
export function isConfined(role: Role): boolean {
  return role === 'caller' || role === 'viewer';
}

/** Short enough that most of an id is left for the id, and of characters that need no escape anywhere. */
export const tenantPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const tenantRule = 'must be 1 to 64 letters, digits, ".", "_" or "-", and begin with a letter or digit';
