/** All strategies by name. */
import type { StrategyName } from '../../../config/router-config';
import type { Strategies } from '../strategy';
import { balanced } from './balanced';
import { costEfficient } from './cost-efficient';
import { learningOptimized } from './learning-optimized';
import { performance } from './performance';
import { random } from './random';
import { taskOptimized } from './task-optimized';

export const strategies: Strategies = {
  LEARNING_OPTIMIZED: learningOptimized,
  TASK_OPTIMIZED: taskOptimized,
  BALANCED: balanced,
  PERFORMANCE: performance,
  COST_EFFICIENT: costEfficient,
  RANDOM: random,
};

/** The one strategy that needs weights. */
export const learnedStrategy: StrategyName = 'LEARNING_OPTIMIZED';
