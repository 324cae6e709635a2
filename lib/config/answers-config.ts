/** Whether answers of models are kept, for how long, and with which keys they are sealed. */
export interface AnswersConfig {
  /** Of the answers at the door, 0..1. */
  readonly share: number;
  readonly retentionMs: number;
  /** The first seals; all of them open. */
  readonly keys: readonly AnswerKeyConfig[];
}

export interface AnswerKeyConfig {
  /** Stands in what was sealed with it. */
  readonly id: string;
  /** Variable of the gateway's environment that has the key: 32 bytes as base64. */
  readonly keyEnv: string;
}

/** The topic keeps nothing for longer. */
export const maxAnswerRetentionMs = 30 * 24 * 3_600_000;
