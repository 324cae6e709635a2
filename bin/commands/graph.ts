import type { Command } from 'commander';
import { describeTopology } from '../../lib/stream/describe-topology';
import { declaredServices } from '../declared-services';
import type { Io } from '../io';

export function addGraph(program: Command, io: Io): void {
  program
    .command('graph')
    .description('Draw the services and topics as a Mermaid graph, from their declarations.')
    .addHelpText('after', '\nExamples:\n  $ quantum-router graph > graph.mmd')
    .action(() => {
      io.stdout.write(describeTopology(declaredServices()));
    });
}
