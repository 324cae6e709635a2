/** The table of Kafka's error codes, which kafkajs keeps to itself. */
declare module 'kafkajs/src/protocol/error' {
  export const errorCodes: readonly { type: string; code: number; retriable: boolean; message: string }[];
}
