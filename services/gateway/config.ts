/** The gateway's own settings and their limits. They concern one process, so they are not part of the shared configuration. */
export interface GatewaySettings {
  /** Where to listen. Port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** How long a request waits for its decision beyond its thread time-out. */
  readonly decisionGraceMs: number;
  /** How long a promotion or a rollback waits for the trainer's answer; a trial's events may have to be read first. */
  readonly trainerTimeoutMs: number;
  /** Requests that may wait for their decision at once; more are answered 503. */
  readonly maxInFlight: number;
  /** Bytes of a request body; more is answered 413. Well above `limits.maxPromptBytes`, since JSON escapes. */
  readonly maxBodyBytes: number;
  /** Decisions of this gateway kept in memory. */
  readonly maxRecentDecisions: number;
  /** Routing keys of decisions with a session kept for their outcomes. */
  readonly maxRoutingKeys: number;
  /** Newest records per partition searched for a decision that is not in memory. */
  readonly maxScannedRecords: number;
  /** Newest records per partition searched for the decision of a report that says all but whether it exists. */
  readonly maxReportScannedRecords: number;
  /** Reports kept in memory to answer a contradiction at once. */
  readonly maxRememberedReports: number;
}

export const defaultGatewaySettings: GatewaySettings = {
  host: '127.0.0.1',
  port: 8080,
  decisionGraceMs: 2_000,
  trainerTimeoutMs: 30_000,
  maxInFlight: 4_096,
  maxBodyBytes: 2_097_152,
  maxRecentDecisions: 2_000,
  maxRoutingKeys: 100_000,
  maxScannedRecords: 50_000,
  maxReportScannedRecords: 5_000,
  maxRememberedReports: 20_000,
};
