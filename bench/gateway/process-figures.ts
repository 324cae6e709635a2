/** What a process and all that it has started take of the machine, as Linux tells it. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessFigures {
  /** Of all cores together, in seconds, since the processes began. */
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

const ticksPerSecond = 100;

/** Zeros where there is no /proc. */
export function processFigures(pid: number): ProcessFigures {
  let cpuTicks = 0;
  let rssKb = 0;
  for (const one of familyOf(pid)) {
    const stat = readText(`/proc/${one}/stat`);
    // The name in parentheses may hold spaces; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    cpuTicks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    rssKb += Number(/^VmRSS:\s+(\d+)/m.exec(readText(`/proc/${one}/status`))?.[1] ?? 0);
  }
  return { cpuSeconds: cpuTicks / ticksPerSecond, rssMb: rssKb / 1_024 };
}

function familyOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readFolder('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readText(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const family = [pid];
  for (const one of family) family.push(...(children.get(one) ?? []));
  return family;
}

/** Empty for a process that has ended meanwhile. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
