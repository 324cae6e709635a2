/**
 * A list of names as one text, each name ended by a line feed. Requests have the names of one configuration, so the list and the
 * text of the record before are nearly always those of the next one: they are compared instead of made again.
 */
export interface NameLists {
  /** The text of `nameOf(0)` to `nameOf(count - 1)` and the list itself; null where a name is no text or has a line feed in it. */
  pack(count: number, nameOf: (index: number) => string): NameList | null;
  /** Throws when the text is no list. The list is shared. */
  unpack(text: string): readonly string[];
}

export interface NameList {
  readonly names: readonly string[];
  readonly text: string;
}

const end = '\n';
const nothing: NameList = { names: [], text: '' };

export function createNameLists(): NameLists {
  let written = nothing;
  let read = nothing;
  return {
    pack(count, nameOf) {
      let isSame = count === written.names.length;
      for (let i = 0; isSame && i < count; i++) isSame = nameOf(i) === written.names[i];
      if (isSame) return written;
      const names = Array.from({ length: count }, (_, i) => nameOf(i));
      if (!names.every((name) => typeof name === 'string' && !name.includes(end))) return null;
      written = { names, text: names.map((name) => name + end).join('') };
      return written;
    },
    unpack(text) {
      if (text === read.text) return read.names;
      if (!text.endsWith(end)) throw new Error('the last name has no end');
      read = { names: text.slice(0, -end.length).split(end), text };
      return read.names;
    },
  };
}
