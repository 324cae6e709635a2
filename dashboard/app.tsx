/** The dashboard: one page whose part behind # says what is shown. */
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Access, AccessProvider, LeftOut, mayUse, useAskedAccess, whatItTakes } from './access';
import './app.css';
import { isSignedIn, signIn, signOut, whenRefused } from './api';
import { useHash } from './hooks';
import { useLive } from './live';
import { AlertsPage } from './pages/alerts';
import { BudgetsPage } from './pages/budgets';
import { ConfigurationPage } from './pages/configuration';
import { DecisionPage } from './pages/decision';
import { DecisionsPage } from './pages/decisions';
import { ExperimentsPage } from './pages/experiments';
import { LearningPage } from './pages/learning';
import { ModelsPage } from './pages/models';
import { NowPage } from './pages/now';
import { TryItPage } from './pages/try-it';
import { Nothing, Trouble } from './parts';

/** Address, name, and the operation that a page is nothing without. */
const pages = [
  ['/', 'Now', 'GET /v1/analytics'],
  ['/decisions', 'Decisions', 'GET /v1/live'],
  ['/models', 'Models', 'GET /v1/analytics'],
  ['/learning', 'Learning', 'GET /v1/weights'],
  ['/experiments', 'Experiments', 'GET /v1/experiments'],
  ['/budgets', 'Budgets', 'GET /v1/budgets'],
  ['/configuration', 'Configuration', 'GET /v1/config'],
  ['/alerts', 'Alerts', 'GET /v1/alerts'],
  ['/try', 'Try it', 'POST /v1/route'],
] as const;
const oneDecision = 'GET /v1/decisions/{id}';

function Page({ hash }: { readonly hash: string }) {
  const [, name, id] = hash.split('/');
  switch (name) {
    case 'decisions':
      return id ? <DecisionPage key={id} id={decodedId(id)} /> : <DecisionsPage />;
    case 'models':
      return <ModelsPage />;
    case 'learning':
      return <LearningPage />;
    case 'experiments':
      return <ExperimentsPage />;
    case 'budgets':
      return <BudgetsPage />;
    case 'configuration':
      return <ConfigurationPage />;
    case 'alerts':
      return <AlertsPage />;
    case 'try':
      return <TryItPage />;
    default:
      return <NowPage />;
  }
}

/** Pages that the key may not see, by what they take. */
function leftOut(access: Access): [takes: string, names: string[]][] {
  const byNeed = new Map<string, string[]>();
  for (const [, name, operation] of pages) {
    if (mayUse(access, operation)) continue;
    const takes = whatItTakes(access, operation);
    byNeed.set(takes, [...(byNeed.get(takes) ?? []), name]);
  }
  return [...byNeed];
}

/** An address that somebody has typed may be cut off. */
function decodedId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function App() {
  const hash = useHash();
  const { access, error } = useAskedAccess();
  const isLive = mayUse(access, 'GET /v1/live');
  const { isConnected } = useLive(isLive);
  const [needsKey, setNeedsKey] = useState(false);
  useEffect(() => whenRefused(() => setNeedsKey(true)), []);
  const current = `/${hash.split('/')[1] ?? ''}`;
  const [, title, ofPage] = pages.find(([path]) => path === current) ?? pages[0];
  const operation = /^\/decisions\/./.test(hash) ? oneDecision : ofPage;
  const left = access ? leftOut(access) : [];
  useEffect(() => {
    document.title = `${title} · Quantum Router`;
  }, [title]);
  const heading = useRef<HTMLHeadingElement>(null);
  const shownHash = useRef(hash);
  useEffect(() => {
    if (shownHash.current === hash) return;
    shownHash.current = hash;
    // Another page begins at its top, for who reads as for who goes on by keyboard, unless it knows of a better place.
    const { activeElement } = document;
    if (activeElement !== heading.current && activeElement?.closest('main')) return;
    scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, [hash]);
  if (needsKey) return <SignIn />;
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        To what the page shows
      </button>
      <header>
        <div class="head">
          <a class="name" href="#/">
            Quantum Router
          </a>
          <nav aria-label="Pages">
            {pages.map(
              ([path, name, of]) =>
                (!access || mayUse(access, of)) && (
                  <a key={path} href={`#${path}`} aria-current={path === current ? 'page' : undefined}>
                    {name}
                  </a>
                ),
            )}
          </nav>
          <p class="connection" role="status">
            <span class={isConnected ? 'dot good' : 'dot bad'} aria-hidden="true" />
            {access && !isLive ? 'not live for this key' : isConnected ? 'live' : 'connecting …'}
            {access && !access.isAnonymous && (
              <span class="role">
                {access.role}
                {access.tenantId !== null && ` of ${access.tenantId}`}
              </span>
            )}
          </p>
          {isSignedIn() && (
            <button
              type="button"
              class="quiet"
              onClick={() => {
                signOut();
                location.reload();
              }}
            >
              Sign out
            </button>
          )}
        </div>
      </header>
      <main>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {!access ? (
          error === null ? (
            <Nothing>Asking the gateway …</Nothing>
          ) : (
            <Trouble error={error} />
          )
        ) : (
          <AccessProvider value={access}>
            {mayUse(access, operation) ? (
              <Page hash={hash} />
            ) : (
              <section class="card">
                <LeftOut operation={operation} what="This page" />
              </section>
            )}
            {left.length > 0 && (
              <footer class="note">
                Left out:
                <ul>
                  {left.map(([takes, names]) => (
                    <li key={takes}>
                      {names.join(', ')}: {takes}.
                    </li>
                  ))}
                </ul>
              </footer>
            )}
          </AccessProvider>
        )}
      </main>
    </div>
  );
}

function SignIn() {
  const [key, setKey] = useState('');
  return (
    <main class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          signIn(key);
          location.reload();
        }}
      >
        <h1>Quantum Router</h1>
        <p class="note">This gateway asks for a key. It stays in this tab, and is gone when you close it.</p>
        <label>
          Key
          <input
            type="password"
            autocomplete="off"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
            required
          />
        </label>
        <button type="submit">Sign in</button>
      </form>
    </main>
  );
}

render(<App />, document.getElementById('app')!);
