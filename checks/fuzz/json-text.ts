/**
 * JSON as text with edits in it: a hostile body may hold what no value in memory does, such as a key given twice, 1e400
 * or half a character.
 */

export type JsonPath = readonly (string | number)[];

/** Text instead of the value at a path; `null`: the field is left out. */
export interface JsonEdit {
  readonly path: JsonPath;
  readonly text: string | null;
  /** The field is there already and comes once more. */
  readonly again?: boolean;
}

type Tree = string | { readonly entries: [key: string, value: Tree][] } | { readonly items: Tree[] };

/** The text of `base` after the edits, made in order. Objects and lists on the way to a path are made where missing. */
export function editedJson(base: unknown, edits: readonly JsonEdit[]): string {
  let tree = treeOf(base);
  for (const edit of edits) tree = edited(tree, edit.path, edit);
  return textOf(tree);
}

function edited(tree: Tree, path: JsonPath, edit: JsonEdit): Tree {
  const [step, ...rest] = path;
  if (step === undefined) return edit.text ?? '';
  if (typeof step === 'number') {
    const items = typeof tree === 'object' && 'items' in tree ? tree.items : [];
    while (items.length <= step) items.push('null');
    if (rest.length === 0 && edit.text === null) items.splice(step, 1);
    else items[step] = edited(items[step]!, rest, edit);
    return { items };
  }
  const entries = typeof tree === 'object' && 'entries' in tree ? tree.entries : [];
  const at = entries.findIndex(([key]) => key === step);
  if (rest.length === 0 && edit.text === null) return { entries: entries.filter(([key]) => key !== step) };
  if (at < 0 || (rest.length === 0 && edit.again)) entries.push([step, edited('null', rest, edit)]);
  else entries[at]![1] = edited(entries[at]![1], rest, edit);
  return { entries };
}

function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return { entries: Object.entries(value).map(([key, one]): [string, Tree] => [key, treeOf(one)]) };
}

function textOf(tree: Tree): string {
  if (typeof tree === 'string') return tree;
  if ('items' in tree) return `[${tree.items.map(textOf).join(',')}]`;
  return `{${tree.entries.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`;
}
