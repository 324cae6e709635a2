import type { Command } from 'commander';
import { describeTopology } from '../../lib/stream/describe-topology';
import { placements } from '../../services/placements';
import { declaredServices } from '../declared-services';
import type { Io } from '../io';
import { addPlacementOptions, ownGroupsOf, type PlacementOptions } from '../placement-options';

export function addGraph(program: Command, io: Io): void {
  const command = program
    .command('graph')
    .description(
      'Draw the services and topics as a Mermaid graph, from their declarations: who reads and writes what, and which stages share a task.',
    );
  addPlacementOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router graph > graph.mmd\n  $ quantum-router graph --placement chained --own-group random',
    )
    .action((options: PlacementOptions) => {
      const services = declaredServices(ownGroupsOf(io, options));
      io.stdout.write(describeTopology(services, { placement: placements[options.placement] }));
    });
}
