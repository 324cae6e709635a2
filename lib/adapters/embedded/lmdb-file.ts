/**
 * Reads an lmdb data file page by page with plain reads. lmdb itself maps the file and trusts it: a file that is too short
 * ends the process with SIGBUS, and a wrong byte in a page can end it too. This reader believes nothing, names the page
 * that is wrong, and goes on with the next one, so it can both check a file before lmdb maps it and save what is left.
 *
 * The format is that of the lmdb inside the `lmdb` package (data version 2, pages with a transaction id in their header),
 * on 64-bit little-endian machines. Keys of named tables are compared as bytes.
 */
import { fstatSync, readSync } from 'node:fs';

const magic = 0xbeefc0de;
const dataVersion = 2;
const headerBytes = 24;
const metaBytes = 160;
const nodeHeaderBytes = 8;
const overflowReferenceBytes = 24;
const largestPageBytes = 65_536;
const branchFlag = 0x01;
const leafFlag = 0x02;
const overflowFlag = 0x04;
const kindFlags = 0x2f;
const bigDataFlag = 0x01;
const subTableFlag = 0x02;
const noPage = 0xffff_ffff_ffff_ffffn;
/** What may stand in the flags of the tree of free pages: its kind, and two of the file's. All other trees have none. */
const freeFlags = { always: 0x08, maybe: 0x08 | 0x1000 | 0x4000 } as const;
const wordBytes = 8;

/** One B+ tree, as its record in the meta page or the main tree describes it. */
export interface LmdbTree {
  readonly name: string;
  readonly depth: number;
  readonly entries: number;
  /** Null while it is empty. */
  readonly root: number | null;
  readonly flags: number;
  /** How many pages it has, as the file says. */
  readonly pages: TreePages;
}

interface TreePages {
  readonly branch: number;
  readonly leaf: number;
  /** Those of values that have pages of their own. */
  readonly large: number;
}

export interface LmdbMeta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly free: LmdbTree;
  readonly main: LmdbTree;
}

export interface LmdbProblem {
  /** What is hit, such as "page 12 of table log". */
  readonly part: string;
  readonly reason: string;
  /** Where a page is hit: the table, and the keys its entries lie between (null: from the first, to the last). */
  readonly range?: { readonly table: string; readonly low: Buffer | null; readonly high: Buffer | null };
}

export interface LmdbEntry {
  readonly key: Buffer;
  /** Null when values were not asked for. */
  readonly value: Buffer | null;
  readonly isTable: boolean;
}

export interface WalkOptions {
  /** Whether to read values that have pages of their own. Default true. */
  readonly largeValues?: boolean;
}

type Report = (problem: LmdbProblem) => void;

/** The newest snapshot that the file's two meta pages tell of; null when neither can be used. */
export function readMeta(file: number, report: Report): LmdbMeta | null {
  const bytes = fstatSync(file).size;
  const first = metaAt(file, 0);
  const pageBytes = typeof first === 'string' ? pageBytesByLooking(file) : first.pageBytes;
  const second = pageBytes === null ? 'not found' : metaAt(file, pageBytes);
  for (const [page, meta] of [first, second].entries()) {
    if (typeof meta === 'string') report({ part: `meta page ${page}`, reason: meta });
  }
  const found = [first, second].filter((meta): meta is LmdbMeta => typeof meta !== 'string');
  if (found.length === 2 && found[0]!.pageBytes !== found[1]!.pageBytes) {
    report({ part: 'meta pages', reason: 'they disagree about the size of a page' });
  }
  const newest = found.sort((a, b) => b.transaction - a.transaction)[0] ?? null;
  if (newest && bytes < 2 * newest.pageBytes) {
    report({ part: 'the file', reason: `it is cut off after ${bytes} bytes` });
    return null;
  }
  return newest;
}

/** Where the first meta page cannot be read, the second tells its place itself. */
function pageBytesByLooking(file: number): number | null {
  for (let pageBytes = 512; pageBytes <= largestPageBytes; pageBytes *= 2) {
    const meta = metaAt(file, pageBytes);
    if (typeof meta !== 'string' && meta.pageBytes === pageBytes) return pageBytes;
  }
  return null;
}

function metaAt(file: number, position: number): LmdbMeta | string {
  const bytes = Buffer.alloc(metaBytes + headerBytes);
  if (readSync(file, bytes, 0, bytes.length, position) < bytes.length) return 'the file is cut off';
  const meta = bytes.subarray(headerBytes);
  if (meta.readUInt32LE(0) !== magic) return 'it does not begin like one of lmdb';
  if ((meta.readUInt32LE(4) & 0xffff) !== dataVersion) return `its version is ${meta.readUInt32LE(4)}`;
  const pageBytes = meta.readUInt32LE(24);
  const isPowerOfTwo = pageBytes > 0 && (pageBytes & (pageBytes - 1)) === 0;
  if (!isPowerOfTwo || pageBytes < 512 || pageBytes > largestPageBytes) return `its page size is ${pageBytes}`;
  const free = treeOf('free pages', meta.subarray(24, 72));
  const main = treeOf('tables', meta.subarray(72, 120));
  const lastPage = Number(meta.readBigUInt64LE(120));
  const transaction = Number(meta.readBigUInt64LE(128));
  const isFree = (free.flags & freeFlags.always) !== 0 && (free.flags & ~freeFlags.maybe) === 0;
  if (!isFree || main.flags !== 0) return `its flags are ${free.flags} and ${main.flags}`;
  if (!Number.isSafeInteger(lastPage * pageBytes)) return `its last page is ${lastPage}`;
  if (!Number.isSafeInteger(transaction)) return `its transaction is ${transaction}`;
  return { pageBytes, lastPage, transaction, free, main };
}

/** From the 48 bytes of a tree's record. */
function treeOf(name: string, record: Buffer): LmdbTree {
  const root = record.readBigUInt64LE(40);
  return {
    name,
    flags: record.readUInt16LE(4),
    depth: record.readUInt16LE(6),
    pages: {
      branch: Number(record.readBigUInt64LE(8)),
      leaf: Number(record.readBigUInt64LE(16)),
      large: Number(record.readBigUInt64LE(24)),
    },
    entries: Number(record.readBigUInt64LE(32)),
    root: root === noPage ? null : Number(root),
  };
}

/** One snapshot of a file that nobody writes to. */
export class LmdbReader {
  private readonly lastPageInFile: number;
  /** Pages met so far, a bit each (a Set holds no more than 2^24, 64 GB): none may be met twice. */
  private readonly met: Buffer;

  constructor(
    private readonly file: number,
    readonly meta: LmdbMeta,
    private readonly report: Report,
  ) {
    this.lastPageInFile = Math.floor(fstatSync(file).size / meta.pageBytes) - 1;
    this.met = Buffer.alloc(Math.floor(this.lastPageInFile / 8) + 1);
  }

  /** The named tables. */
  tables(): LmdbTree[] {
    const tables: LmdbTree[] = [];
    for (const { key, value, isTable } of this.entries(this.meta.main)) {
      const name = key.toString().replace(/\0$/, '');
      const tree = isTable && value?.length === 48 ? treeOf(name, value) : null;
      if (tree?.flags === 0) tables.push(tree);
      else this.report({ part: `the entry of table ${name}`, reason: 'it does not describe a table' });
    }
    return tables;
  }

  /**
   * Looks at the tree of free pages and at the lists in it, once all other trees have been walked down to their leaves: lmdb
   * writes to a page of these lists without looking whether something is in it.
   */
  checkFreePages(): void {
    const part = partOf(this.meta.free);
    const lists = [...this.entries(this.meta.free)];
    for (const { key, value } of lists) {
      const reason = this.faultOfFreeList(value!);
      if (reason !== null) this.report({ part: `${part} (list ${key.readBigUInt64LE(0)})`, reason });
    }
  }

  /**
   * A list is a number of words and as many words: a page, the number of pages that follow each other (negative) and the first
   * of them, or 0. lmdb itself passes over a page that is in two lists, and over a number without a page at the end of one.
   */
  private faultOfFreeList(list: Buffer): string | null {
    const words = list.length >= wordBytes ? Number(list.readBigUInt64LE(0)) : -1;
    if (words < 0 || (words + 1) * wordBytes > list.length) return 'it is longer than its entry';
    for (let at = 1; at <= words; at++) {
      let page = Number(list.readBigInt64LE(at * wordBytes));
      let pages = 1;
      if (page < 0) {
        [pages, page] = [-page, at < words ? Number(list.readBigInt64LE(++at * wordBytes)) : 0];
      }
      if (page === 0) continue;
      if (page < 2 || page + pages - 1 > this.meta.lastPage) return `there is no page ${page}`;
      for (let each = page; each < page + pages; each++) {
        if (this.isMet(each)) return `page ${each} holds something`;
      }
    }
    return null;
  }

  private isMet(page: number): boolean {
    return ((this.met[Math.floor(page / 8)] ?? 0) & (1 << (page % 8))) !== 0;
  }

  /** The entries of a tree in order, passing over what cannot be read and reporting it. */
  *entries(tree: LmdbTree, options: WalkOptions = {}): Generator<LmdbEntry> {
    if (tree.root === null) return;
    const walk: Walk = { tree, options, entries: 0, branch: 0, leaf: 0, large: 0, problems: 0, previous: null };
    yield* this.subtree(walk, tree.root, 1, null, null);
    if (walk.problems > 0) return;
    const counts = [
      ['entries', walk.entries, tree.entries],
      ['pages above leaves', walk.branch, tree.pages.branch],
      ['leaves', walk.leaf, tree.pages.leaf],
      ['pages of large values', walk.large, tree.pages.large],
    ] as const;
    for (const [what, found, wanted] of counts) {
      if (found !== wanted)
        this.report({ part: partOf(tree), reason: `it has ${found} ${what} and should have ${wanted}` });
    }
  }

  /**
   * The entries of every leaf page in the file, also of pages that the snapshot does not lead to: where a page above them is
   * lost, and earlier versions in pages that are free now. In no order, the same key more than once, of any table: the
   * caller has to tell by the content what an entry is and that it is whole.
   */
  *looseEntries(): Generator<{ readonly key: Buffer; readonly value: Buffer }> {
    for (let page = 2; page <= this.lastPageInFile; page++) {
      const bytes = this.read(page, leafFlag);
      const nodes = typeof bytes === 'string' ? bytes : nodesOf(bytes);
      if (typeof bytes === 'string' || typeof nodes === 'string') continue;
      for (const node of nodes) {
        const { size, start, large } = this.locate(bytes, node);
        if (large === null) yield { key: keyOf(bytes, node), value: bytes.subarray(start, start + size) };
        else if (large.first + large.needed - 1 <= this.lastPageInFile) {
          const value = this.read(large.first, overflowFlag, large.needed);
          if (typeof value === 'string') continue;
          yield { key: keyOf(bytes, node), value: value.subarray(headerBytes, headerBytes + size) };
        }
      }
    }
  }

  private *subtree(
    walk: Walk,
    page: number,
    depth: number,
    low: Buffer | null,
    high: Buffer | null,
  ): Generator<LmdbEntry> {
    const { tree } = walk;
    const isLeaf = depth === tree.depth;
    walk[isLeaf ? 'leaf' : 'branch']++;
    const problem = (reason: string): void => {
      walk.problems++;
      const range = { table: tree.name, low, high };
      this.report({ part: `page ${page} of ${partOf(tree)}`, reason, ...(isNamed(tree, this.meta) && { range }) });
    };
    const bytes = this.page(page, isLeaf ? leafFlag : branchFlag);
    if (typeof bytes === 'string') return problem(bytes);
    const nodes = nodesOf(bytes);
    if (typeof nodes === 'string') return problem(nodes);
    if (!isLeaf) {
      for (const [index, node] of nodes.entries()) {
        const from = index === 0 ? low : keyOf(bytes, node);
        const to = index + 1 < nodes.length ? keyOf(bytes, nodes[index + 1]!) : high;
        if (from && to && this.compare(tree, from, to) >= 0) {
          problem('its keys are out of order');
          continue;
        }
        yield* this.subtree(walk, childOf(bytes, node), depth + 1, from, to);
      }
      return;
    }
    for (const node of nodes) {
      const key = keyOf(bytes, node);
      const isOutOfPlace =
        (low && this.compare(tree, key, low) < 0) ||
        (high && this.compare(tree, key, high) >= 0) ||
        (walk.previous && this.compare(tree, key, walk.previous) <= 0);
      if (isOutOfPlace) {
        problem('its keys are out of order');
        continue;
      }
      walk.previous = key;
      walk.entries++;
      const value = this.value(walk, bytes, node);
      if (typeof value === 'string') problem(value);
      else yield { key, value, isTable: (bytes.readUInt16LE(node + 4) & subTableFlag) !== 0 };
    }
  }

  private compare(tree: LmdbTree, a: Buffer, b: Buffer): number {
    if (tree !== this.meta.free) return Buffer.compare(a, b);
    return a.length === 8 && b.length === 8 ? Number(a.readBigUInt64LE(0) - b.readBigUInt64LE(0)) : 0;
  }

  private value(walk: Walk, bytes: Buffer, node: number): Buffer | null | string {
    const { size, start, large } = this.locate(bytes, node);
    if (large === null) return bytes.subarray(start, start + size);
    const { first, pages, needed } = large;
    walk.large += pages;
    if (pages < needed) return `the value in page ${first}: it should have ${needed} pages or more`;
    const isRead = walk.options.largeValues !== false;
    const value = this.claim(first, pages) ?? (isRead ? this.read(first, overflowFlag, pages) : null);
    if (typeof value === 'string') return `the value in page ${first}: ${value}`;
    if (value === null) return null;
    if (value.readUInt32LE(20) !== pages) return `the value in page ${first}: it should have ${pages} pages`;
    return value.subarray(headerBytes, headerBytes + size);
  }

  /**
   * Where the value of a node is: in the page from `start` on, or in pages of its own. These are more than it needs where a smaller
   * value has taken the place of a larger one within one transaction.
   */
  private locate(
    bytes: Buffer,
    node: number,
  ): { size: number; start: number; large: { first: number; pages: number; needed: number } | null } {
    const size = bytes.readUInt16LE(node) + bytes.readUInt16LE(node + 2) * 65_536;
    const start = node + nodeHeaderBytes + bytes.readUInt16LE(node + 6);
    if ((bytes.readUInt16LE(node + 4) & bigDataFlag) === 0) return { size, start, large: null };
    const needed = Math.floor((headerBytes - 1 + size) / this.meta.pageBytes) + 1;
    const pages = Number(bytes.readBigUInt64LE(start + overflowReferenceBytes - wordBytes));
    return { size, start, large: { first: Number(bytes.readBigUInt64LE(start)), pages, needed } };
  }

  /** What is wrong with the place of these pages; null when nothing is. */
  private claim(page: number, pages: number): string | null {
    const last = page + pages - 1;
    if (page < 2 || last > this.meta.lastPage) return 'there is no such page';
    if (last > this.lastPageInFile) return `the file ends before it (at page ${this.lastPageInFile})`;
    for (let each = page; each <= last; each++) {
      const [at, bit] = [Math.floor(each / 8), 1 << (each % 8)];
      if ((this.met[at]! & bit) !== 0) return 'it is used twice';
      this.met[at]! |= bit;
    }
    return null;
  }

  private page(page: number, flag: number): Buffer | string {
    const bytes = this.claim(page, 1) ?? this.read(page, flag);
    if (typeof bytes !== 'string' && bytes.readBigUInt64LE(8) > BigInt(this.meta.transaction))
      return 'it is newer than the file';
    return bytes;
  }

  /** Bytes of pages that lie within the file, the first of them of the given kind; or what is wrong with them. */
  private read(page: number, flag: number, pages = 1): Buffer | string {
    const { pageBytes } = this.meta;
    const bytes = Buffer.allocUnsafe(pages * pageBytes);
    try {
      if (readSync(this.file, bytes, 0, bytes.length, page * pageBytes) < bytes.length) return 'the file is cut off';
    } catch (error) {
      return `it cannot be read: ${(error as Error).message}`;
    }
    if (bytes.readBigUInt64LE(0) !== BigInt(page)) return 'its header is of another page';
    return (bytes.readUInt16LE(18) & kindFlags) === flag ? bytes : 'it is of another kind';
  }
}

interface Walk {
  readonly tree: LmdbTree;
  readonly options: WalkOptions;
  entries: number;
  branch: number;
  leaf: number;
  large: number;
  problems: number;
  previous: Buffer | null;
}

function isNamed(tree: LmdbTree, meta: LmdbMeta): boolean {
  return tree !== meta.free && tree !== meta.main;
}

function partOf(tree: LmdbTree): string {
  return `table ${tree.name}`;
}

/** Where the nodes of a branch or leaf page begin, or what is wrong with the page. */
function nodesOf(bytes: Buffer): number[] | string {
  const lower = bytes.readUInt16LE(20);
  const upper = bytes.readUInt16LE(22);
  const isLeaf = (bytes.readUInt16LE(18) & leafFlag) !== 0;
  if (lower % 2 !== 0 || lower === 0 || lower > upper || upper > bytes.length - headerBytes)
    return 'its header is wrong';
  const nodes: number[] = [];
  for (let at = headerBytes; at < headerBytes + lower; at += 2) {
    const node = headerBytes + bytes.readUInt16LE(at);
    if (node < headerBytes + upper || node + nodeHeaderBytes > bytes.length) return 'an entry lies outside of it';
    let end = node + nodeHeaderBytes + bytes.readUInt16LE(node + 6);
    if (isLeaf) {
      const isLarge = (bytes.readUInt16LE(node + 4) & bigDataFlag) !== 0;
      end += isLarge ? overflowReferenceBytes : bytes.readUInt16LE(node) + bytes.readUInt16LE(node + 2) * 65_536;
    }
    if (end > bytes.length) return 'an entry lies outside of it';
    nodes.push(node);
  }
  return nodes;
}

function keyOf(bytes: Buffer, node: number): Buffer {
  const start = node + nodeHeaderBytes;
  return bytes.subarray(start, start + bytes.readUInt16LE(node + 6));
}

function childOf(bytes: Buffer, node: number): number {
  return bytes.readUInt16LE(node) + bytes.readUInt16LE(node + 2) * 2 ** 16 + bytes.readUInt16LE(node + 4) * 2 ** 32;
}
