/**
 * What one task tells of its work to whoever traces: a span for each sampled record, in that record's own trace, and one
 * for the batch with links to them. Without a sampled record it does nothing but look for the header.
 */
import { type Attributes, type Span, type SpanContext, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Headers, LogRecord } from '../../ports/broker';
import { createRecentTraces, type RecentTraces } from '../../telemetry/recent-traces';
import { attributesOf } from '../../telemetry/trace-attributes';
import {
  childrenOf,
  endFailed,
  parseTraceparent,
  sampledParent,
  traceparentHeader,
  traceparentOf,
  tracer,
} from '../../telemetry/tracing';
import type { Emit } from '../define-service';

/** Rows per task whose trace is remembered. */
const maxTracedRows = 20_000;
const maxReasonLength = 200;

interface SampledRecord {
  readonly record: LogRecord;
  readonly parent: SpanContext;
}

export class TaskTrace {
  private batch: Span | null = null;
  /** Of the sampled records in hand; null when there are none. */
  private spans: Map<LogRecord, Span> | null = null;
  /** Everything to be ended once the outputs are durable. */
  private started: Span[] = [];
  /** Of the record or the timer being decided; what is emitted continues from it. */
  private current: Span | null = null;
  private currentHeader: string | null = null;
  /** Trace of the row whose timer is being decided: it gets a span only when it emits something. */
  private timerHeader: string | null = null;
  /** The traceparent that came with the newest record of a row's own trace. Null where rows outlive a trace. */
  private readonly rows: RecentTraces | null;

  constructor(
    private readonly service: string,
    private readonly partition: number,
    options: { readonly rowsKeepTrace: boolean },
  ) {
    this.rows = options.rowsKeepTrace ? createRecentTraces(maxTracedRows) : null;
  }

  /** Before anything is done with a batch. */
  begin(records: readonly LogRecord[]): void {
    let sampled: SampledRecord[] | null = null;
    for (const record of records) {
      const header = record.headers[traceparentHeader];
      if (header === undefined) continue;
      const parent = sampledParent(header);
      if (!parent) continue;
      sampled ??= [];
      sampled.push({ record, parent });
    }
    if (sampled) this.beginBatch(records.length, sampled);
  }

  private beginBatch(count: number, sampled: readonly SampledRecord[]): void {
    const topics = new Set(sampled.map(({ record }) => record.topic));
    // Under the first sampled record: a root of its own would be sampled by another draw.
    const batch = this.start(`${this.service} process`, sampled[0]!.parent, {
      attributes: { ...this.place([...topics].join(',')), 'messaging.batch.message_count': count },
      links: sampled.map(({ record, parent }) => ({ context: parent, attributes: placeOf(record) })),
    });
    this.batch = batch;
    this.spans = new Map();
    const links = [{ context: batch.spanContext() }];
    for (const { record, parent } of sampled) {
      const attributes = { ...this.place(record.topic), 'messaging.kafka.offset': record.offset };
      this.spans.set(record, this.start(`${this.service} ${record.topic}`, parent, { attributes, links }));
    }
  }

  /** A step of the batch that takes time has ended. */
  mark(step: string): void {
    this.batch?.addEvent(step);
  }

  /** Whether a record of the batch may be shown, with what its event says. */
  shows(record: LogRecord): boolean {
    return this.rows !== null || (this.spans?.has(record) ?? false);
  }

  /** The record that is decided next, and its row. */
  atRecord(record: LogRecord, topic: string, key: string | null, event: unknown): void {
    const { rows, spans } = this;
    this.current = null;
    this.currentHeader = null;
    if (spans === null && (rows === null || rows.size === 0)) return;
    const span = spans?.get(record) ?? null;
    const row = key === null ? undefined : rows?.get(key);
    if (span) this.currentHeader = record.headers[traceparentHeader]!;
    this.current = span ?? (row === undefined ? null : this.joinRow(record, row));
    if (!this.current) return;
    if (span && row !== undefined && !isSameTrace(row, this.currentHeader!)) {
      span.addLink({ context: parseTraceparent(row)! });
    }
    this.current.setAttributes(attributesOf(topic, event));
  }

  /** A record without a trace of its own is shown in that of its row. */
  private joinRow(record: LogRecord, row: string): Span {
    const attributes = { ...this.place(record.topic), 'messaging.kafka.offset': record.offset };
    return this.start(`${this.service} ${record.topic}`, parseTraceparent(row)!, { attributes });
  }

  /** The timer that is decided next. */
  atTimer(key: string): void {
    this.current = null;
    this.currentHeader = null;
    this.timerHeader = this.rows?.get(key) ?? null;
  }

  /** A processor has the batch as a whole. */
  atBatch(): void {
    this.current = this.batch;
    this.currentHeader = null;
  }

  /** The decision has changed or (false) deleted its row. */
  rowChanged(key: string, isThere: boolean): void {
    const { rows, currentHeader } = this;
    if (rows === null) return;
    if (!isThere) {
      if (rows.size > 0) rows.delete(key);
      return;
    }
    if (currentHeader === null) return;
    const before = rows.get(key);
    if (before === undefined || isSameTrace(before, currentHeader)) rows.set(key, currentHeader);
  }

  /** What is emitted, with the trace it continues. */
  carried(emit: Emit): Emit {
    if (this.current === null && this.timerHeader !== null) {
      this.current = this.start(`${this.service} due`, parseTraceparent(this.timerHeader)!, {
        kind: SpanKind.INTERNAL,
      });
    }
    const span = this.current;
    if (span === null) return emit;
    if (emit.value !== null) span.setAttributes(attributesOf(emit.topic.name, emit.value));
    const headers = headersOf(span);
    return headers ? { ...emit, headers: { ...emit.headers, ...headers } } : emit;
  }

  dropped(reason: string): void {
    this.current?.setAttribute('quantum_router.drop', reason);
  }

  /** Returns the headers of the dead letter. */
  deadLetter(record: LogRecord, reason: string, field: string | null): Headers | null {
    const span = this.spans?.get(record) ?? this.current;
    if (!span) return null;
    // What a reason quotes comes from the record, so it stays out.
    const message = reason.replace(/"[^"]*"/g, '"…"').slice(0, maxReasonLength);
    span.setStatus({ code: SpanStatusCode.ERROR, message: `dead letter: ${message}` });
    span.setAttribute('quantum_router.dead_letter', true);
    if (field !== null) span.setAttribute('quantum_router.field', field);
    return headersOf(span);
  }

  /** The outputs of the batch are durable. */
  end(): void {
    this.current = null;
    this.currentHeader = null;
    this.timerHeader = null;
    if (this.started.length === 0) return;
    for (const span of this.started) span.end();
    this.forget();
  }

  /** The batch will be handled again, by this task's successor. */
  fail(error: unknown): void {
    for (const span of this.started) endFailed(span, error);
    this.forget();
  }

  private forget(): void {
    this.started = [];
    this.batch = null;
    this.spans = null;
  }

  private start(
    name: string,
    parent: SpanContext,
    options: {
      kind?: SpanKind;
      attributes?: Attributes;
      links?: readonly { context: SpanContext; attributes?: Attributes }[];
    },
  ): Span {
    const { kind = SpanKind.CONSUMER, attributes = {}, links = [] } = options;
    const span = tracer.startSpan(name, { kind, attributes, links: [...links] }, childrenOf(parent));
    this.started.push(span);
    return span;
  }

  private place(topic: string): Attributes {
    return {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': String(this.partition),
      'messaging.consumer.group.name': this.service,
    };
  }
}

function placeOf(record: LogRecord): Attributes {
  return { 'messaging.destination.name': record.topic, 'messaging.kafka.offset': record.offset };
}

function headersOf(span: Span): Headers | null {
  const traceparent = traceparentOf(span);
  return traceparent === null ? null : { [traceparentHeader]: traceparent };
}

/** Of two well-formed headers. */
function isSameTrace(a: string, b: string): boolean {
  return a.slice(3, 35) === b.slice(3, 35);
}
