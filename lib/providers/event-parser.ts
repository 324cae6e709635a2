/**
 * Server-sent events out of pieces of text (WHATWG HTML, "Interpreting an event stream"). What it takes grows with the text and
 * with nothing else, whatever stands in it: who sends it is another program, and it is read where everybody waits.
 */
export interface EventParserHandlers {
  /** `event` is the name; null where it has none. */
  readonly onEvent: (event: { readonly event: string | null; readonly data: string }) => void;
  readonly onComment?: () => void;
}

export interface EventParser {
  feed(text: string): void;
}

/** Names of fields other than `data` and `event` mean nothing here, and neither does what nobody knows. */
export function createEventParser({ onEvent, onComment }: EventParserHandlers): EventParser {
  let event: string | null = null;
  let data: string[] = [];
  /** Of a line that has not ended. */
  let begun: string[] = [];
  /** Whether the last line ended with a carriage return: a line feed behind it belongs to it. */
  let isAfterReturn = false;

  const takeLine = (line: string): void => {
    if (line === '') {
      if (data.length > 0) onEvent({ event, data: data.join('\n') });
      event = null;
      data = [];
    } else if (line.startsWith(':')) onComment?.();
    else if (line.startsWith('data')) {
      const value = fieldValue(line, 4);
      if (value !== null) data.push(value);
    } else if (line.startsWith('event')) {
      const value = fieldValue(line, 5);
      // An empty name is none.
      if (value !== null) event = value || null;
    }
  };

  return {
    feed(text) {
      if (text === '') return;
      let from = isAfterReturn && text.startsWith('\n') ? 1 : 0;
      isAfterReturn = false;
      let feedAt = text.indexOf('\n', from);
      let returnAt = text.indexOf('\r', from);
      for (;;) {
        // Each is looked for again only once it is passed, so that no character is looked at twice.
        if (feedAt >= 0 && feedAt < from) feedAt = text.indexOf('\n', from);
        if (returnAt >= 0 && returnAt < from) returnAt = text.indexOf('\r', from);
        const isReturn = returnAt >= 0 && (feedAt < 0 || returnAt < feedAt);
        const end = isReturn ? returnAt : feedAt;
        if (end < 0) break;
        const rest = text.slice(from, end);
        if (begun.length > 0) {
          begun.push(rest);
          takeLine(begun.join(''));
          begun = [];
        } else takeLine(rest);
        from = end + 1;
        if (isReturn && from === text.length) isAfterReturn = true;
        else if (isReturn && text.startsWith('\n', from)) from++;
      }
      if (from < text.length) begun.push(text.slice(from));
    },
  };
}

/** Of a line that begins with a name of so many characters; null where the name of its field is a longer one. */
function fieldValue(line: string, nameLength: number): string | null {
  if (line.length === nameLength) return '';
  if (line[nameLength] !== ':') return null;
  return line.slice(line[nameLength + 1] === ' ' ? nameLength + 2 : nameLength + 1);
}
