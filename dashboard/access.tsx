/** What the key may do, as the gateway says it: pages show that and nothing else, and say what the rest takes. */
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { ask } from './api';

interface Operation {
  readonly name: string;
  readonly roles: readonly string[];
  /** Why this key may not; null when it may. */
  readonly refusal: string | null;
}

export interface Access {
  readonly role: string;
  readonly tenantId: string | null;
  readonly isAnonymous: boolean;
  readonly operations: readonly Operation[];
}

const retryMs = 2_000;
const AccessContext = createContext<Access | null>(null);
export const AccessProvider = AccessContext.Provider;

/** Asked for once: a key does not change. Null until there is an answer; `error` says why there is none yet. */
export function useAskedAccess(): { readonly access: Access | null; readonly error: string | null } {
  const [access, setAccess] = useState<Access | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async (): Promise<void> => {
      try {
        setAccess(await ask('v1/me'));
        setError(null);
      } catch (failed) {
        setError((failed as Error).message);
        timer = setTimeout(turn, retryMs);
      }
    };
    void turn();
    return () => clearTimeout(timer);
  }, []);
  return { access, error };
}

/** `operation` is a method and a path, as the API's document has them. */
export function mayUse(access: Access | null, operation: string): boolean {
  return access?.operations.find(({ name }) => name === operation)?.refusal === null;
}

/** Whether the key may do this; asked below an AccessProvider. */
export function useMay(operation: string): boolean {
  return mayUse(useContext(AccessContext), operation);
}

/** What an operation takes that the key may not use, as the end of a sentence. */
export function whatItTakes({ role, operations }: Access, operation: string): string {
  const found = operations.find(({ name }) => name === operation);
  if (!found) return 'is not there at this gateway';
  const { roles, refusal } = found;
  if (roles.includes(role)) return `is not for this key: ${refusal}`;
  const either = [roles.slice(0, -1).join(', '), roles.at(-1)].filter(Boolean).join(' or ');
  return `takes a key of the role ${either}; this one is of the role ${role}`;
}

/** Says what is left out here and what it takes; nothing where the key may do it. */
export function LeftOut({ operation, what }: { readonly operation: string; readonly what: string }) {
  const access = useContext(AccessContext);
  if (!access || mayUse(access, operation)) return null;
  return (
    <p class="note">
      {what} {whatItTakes(access, operation)}.
    </p>
  );
}
