/** What went wrong, one entry for each kind: thousands of cases fail for the same reason. */
export interface Fault {
  /** What was seen, in words that hold for all of its kind. */
  readonly kind: string;
  /** What was seen this time. */
  readonly detail: string;
}

export interface Finding extends Fault {
  /** The first case that showed it. */
  readonly what: string;
  /** A command that runs this case alone; a range where it takes several. */
  readonly reproduce: string;
}

/** Numbers, ids, quoted words and lengths left out, so that faults of one kind compare equal. */
export function kindOf(text: string): string {
  return text
    .slice(0, 300)
    .replace(/"[^"]*"?|'[^']*'?/g, '"…"')
    .replace(/[0-9a-f]{8,}/g, '…')
    .replace(/-?\d[\d.,e+-]*/g, 'N')
    .replace(/\s+/g, ' ')
    .slice(0, 160);
}

export function fault(kind: string, detail = ''): Fault {
  return { kind: detail === '' ? kind : `${kind}: ${kindOf(detail)}`, detail };
}
