/** Experiments are a part of the configuration: starting, stopping and promoting one makes the next version of it. */
import type { ExperimentConfig, RouterConfig } from '../config/router-config';
import { withSettings } from './expose';

export type ExperimentChange =
  | { readonly kind: 'start'; readonly experiment: ExperimentConfig }
  | { readonly kind: 'stop'; readonly name: string }
  /** Everybody gets what the arm sets, and the experiment ends. */
  | { readonly kind: 'promote'; readonly name: string; readonly arm: string };

export type Changed =
  | { readonly ok: true; readonly config: RouterConfig }
  | { readonly ok: false; readonly field: string; readonly message: string };

/** The configuration is validated as a whole by whoever puts it in force. */
export function changeExperiments(config: RouterConfig, change: ExperimentChange): Changed {
  const { experiments } = config;
  if (change.kind === 'start') {
    const { name } = change.experiment;
    if (experiments.some((one) => one.name === name))
      return fault('experiment.name', `"${name}" runs already; stop it first, or take another name`);
    return { ok: true, config: { ...config, experiments: [...experiments, change.experiment] } };
  }
  const found = experiments.find(({ name }) => name === change.name);
  if (!found) {
    const running = experiments.map(({ name }) => name).join(', ') || 'none';
    return fault('name', `there is no experiment "${change.name}"; running: ${running}`);
  }
  const without = { ...config, experiments: experiments.filter((one) => one !== found) };
  if (change.kind === 'stop') return { ok: true, config: without };
  const arm = found.arms.find(({ name }) => name === change.arm);
  if (!arm)
    return fault(
      'arm',
      `"${change.arm}" is no arm of "${found.name}": ${found.arms.map(({ name }) => name).join(', ')}`,
    );
  if (arm.set.policy)
    return fault('arm', 'pins learned weights, which are promoted with `models promote`, not by a configuration');
  return { ok: true, config: withSettings(without, arm.set) };
}

function fault(field: string, message: string): Changed {
  return { ok: false, field, message };
}
