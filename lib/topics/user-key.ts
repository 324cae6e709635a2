/**
 * A user as something that is one user's is called: a budget's account, the unit of an experiment. Tenants choose the names of
 * their users, and whoever is of no tenant chooses any, so no slash in a name may look like the one between the two: the first
 * slash is that one, and what is behind it stands as it is.
 */
export function userKey(tenantId: string | null, userId: string): string {
  return tenantId === null ? withoutSlash(userId) : `${withoutSlash(tenantId)}/${userId}`;
}

/** How much longer a name may become. */
export const userKeyGrowth = 3;

function withoutSlash(name: string): string {
  return name.replaceAll(/[%/]/g, encodeURIComponent);
}
