/** Notices where an object or a list that comes in pieces is through, each character looked at once. */
export interface JsonEnd {
  take(piece: string): void;
  /** Whether what came so far is one whole object or list. Nothing is said of whether it is valid. */
  isReached(): boolean;
}

export function createJsonEnd(): JsonEnd {
  let depth = 0;
  let hasBegun = false;
  let isInString = false;
  let isEscaped = false;
  return {
    take(piece) {
      for (let at = 0; at < piece.length; at++) {
        const character = piece[at];
        if (isEscaped) isEscaped = false;
        else if (isInString) {
          if (character === '\\') isEscaped = true;
          else if (character === '"') isInString = false;
        } else if (character === '"') isInString = true;
        else if (character === '{' || character === '[') {
          depth++;
          hasBegun = true;
        } else if (character === '}' || character === ']') depth--;
      }
    },
    isReached: () => hasBegun && depth <= 0,
  };
}
