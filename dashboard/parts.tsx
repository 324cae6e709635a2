/** Small parts that pages are made of. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { none } from './format';

export function Card(props: {
  readonly title: string;
  readonly note?: string;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}) {
  return (
    <section class={props.wide ? 'card wide' : 'card'}>
      <h2>{props.title}</h2>
      {props.note && <p class="note">{props.note}</p>}
      {props.children}
    </section>
  );
}

export function Tile(props: {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly tone?: 'good' | 'bad';
  /** Where there is more about it. */
  readonly href?: string;
}) {
  return (
    <div class="tile">
      <dt>{props.href ? <a href={props.href}>{props.label}</a> : props.label}</dt>
      <dd class={props.tone ?? ''}>{props.value}</dd>
      {props.note && <dd class="note">{props.note}</dd>}
    </div>
  );
}

/** Asks for something while the rest of the page waits. Escape leaves it, and the focus goes back to where it was. */
export function Dialog(props: {
  readonly title: string;
  /** Called however it is left. */
  readonly onClose: () => void;
  /** `close` leaves it. */
  readonly children: (close: () => void) => ComponentChildren;
}) {
  const place = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = place.current;
    dialog?.showModal();
    // One that is only taken away would leave the focus nowhere.
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={place} class="card" aria-labelledby={titleId} onClose={props.onClose}>
      <h2 id={titleId}>{props.title}</h2>
      {props.children(() => place.current?.close())}
    </dialog>
  );
}

export function Trouble({ error }: { readonly error: string | null }) {
  return error === null ? null : (
    <p class="trouble" role="alert">
      {error}
    </p>
  );
}

export function Nothing({ children }: { readonly children: ComponentChildren }) {
  return <p class="nothing">{children}</p>;
}

/** A number that need not be given; `hint` says what holds then. */
export function NumberField(props: {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}) {
  const { label, hint, value, onValue } = props;
  return (
    <label>
      {label}
      <input
        type="number"
        min="0"
        step="any"
        placeholder={hint}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}

/** What is said of an order, for who reads later what was done. */
export function WhyField(props: {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly required?: boolean;
}) {
  const { value, onValue, required = false } = props;
  return (
    <label>
      Why
      <input
        value={value}
        maxLength={200}
        required={required}
        placeholder={required ? '' : 'for who reads the history'}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}

/** Ends the form of a dialog: the order is given, or everything is left as it is. */
export function OrderButtons(props: {
  readonly order: string;
  readonly onLeave: () => void;
  /** The order is on its way. */
  readonly isSending?: boolean;
}) {
  const { order, onLeave, isSending = false } = props;
  return (
    <p class="buttons">
      <button type="submit" aria-disabled={isSending}>
        {order}
      </button>
      <button type="button" class="quiet" onClick={onLeave}>
        Leave it
      </button>
    </p>
  );
}

/** A share of something as a bar; the figure beside it says the same. */
export function Bar({ share, colour = 'var(--accent)' }: { readonly share: number; readonly colour?: string }) {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width, background: colour }} />
    </span>
  );
}

export function Health({ state }: { readonly state: string }) {
  const tone = state === 'CLOSED' ? 'good' : state === 'OPEN' ? 'bad' : 'warn';
  const text = state === 'CLOSED' ? 'healthy' : state === 'OPEN' ? 'out' : 'probing';
  return <span class={`badge ${tone}`}>{text}</span>;
}

/** A table that scrolls in itself where it is wider than the screen. */
export function Table(props: {
  readonly label: string;
  readonly head: readonly string[];
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" aria-label={props.label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {props.head.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </section>
  );
}

/** A figure with its interval; nothing known is said as such. */
export function Interval(props: {
  readonly of: { readonly value: number; readonly low: number | null; readonly high: number | null } | null;
  readonly format: (value: number) => string;
}) {
  const { of, format } = props;
  if (!of) return <>{none}</>;
  return (
    <>
      {format(of.value)}{' '}
      <small>
        {of.low === null ? none : format(of.low)} … {of.high === null ? none : format(of.high)}
      </small>
    </>
  );
}
