/** The policies of every figure and table, in their order, with one look each: colours that stay apart for colour-blind readers (Okabe and Ito 2008). */

export const policyNames = {
  router: 'router',
  oracle: 'oracle',
  staticMix: 'static mix',
  bestSingle: 'best single',
  linUcb: 'LinUCB',
  thompson: 'Thompson table',
  staticRules: 'static rules',
  random: 'random',
} as const;

export type PolicyName = (typeof policyNames)[keyof typeof policyNames];

export interface Look {
  readonly color: string;
  /** SVG dash pattern; null: a solid line. Who learns is solid, who does not is dashed. */
  readonly dash: string | null;
}

export const looks: Readonly<Record<PolicyName, Look>> = {
  router: { color: '#0072b2', dash: null },
  oracle: { color: '#555555', dash: '2 4' },
  'static mix': { color: '#cc79a7', dash: '8 4' },
  'best single': { color: '#009e73', dash: '8 4' },
  LinUCB: { color: '#e69f00', dash: null },
  'Thompson table': { color: '#d55e00', dash: null },
  'static rules': { color: '#7a5195', dash: '3 3' },
  random: { color: '#999999', dash: '2 4' },
};
