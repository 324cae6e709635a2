/** Checks of table rows beyond their type. */

/** By topic: throws for a value that is of the topic's type and still cannot be used. */
export type TableChecks = ReadonlyMap<string, (value: unknown) => void>;
