/** The figures of one scenario: a JSON line each as they come, and a table for people at the end. */
import { formatTable } from '../../bin/format-table';
import { barsMissed, report, reportBar } from '../../lab/report/report-line';

export interface Figures {
  /** A figure to know. */
  add(name: string, value: number, unit: string): void;
  /** A figure that must be met. `examples` are shown to people when it is not. */
  bar(
    name: string,
    value: number,
    unit: string,
    relation: '<=' | '>=',
    bar: number,
    examples?: readonly string[],
  ): void;
  /** Bars missed in this scenario. */
  readonly missed: number;
  table(): string;
}

const maxExamples = 5;

export function createFigures(scenario: string, say: (text: string) => void): Figures {
  const rows: (string | number)[][] = [];
  const missedBefore = barsMissed();
  const shown = (value: number): number => Math.round(value * 10_000) / 10_000;
  return {
    add(name, value, unit) {
      report(`chaos.${scenario}.${name}`, value, unit);
      rows.push([name, shown(value), unit, '', '']);
    },
    bar(name, value, unit, relation, bar, examples = []) {
      const before = barsMissed();
      reportBar(`chaos.${scenario}.${name}`, value, unit, relation, bar);
      const met = barsMissed() === before;
      rows.push([name, shown(value), unit, `${relation} ${bar}`, met ? 'ok' : 'MISSED']);
      if (!met && examples.length > 0) say(`${name}: ${examples.slice(0, maxExamples).join(', ')}`);
    },
    get missed() {
      return barsMissed() - missedBefore;
    },
    table: () => formatTable([scenario, 'value', 'unit', 'bar', ''], rows),
  };
}
