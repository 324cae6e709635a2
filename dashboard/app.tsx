/** The dashboard: one page whose part behind # says what is shown. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
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

const pages = [
  ['/', 'Now'],
  ['/decisions', 'Decisions'],
  ['/models', 'Models'],
  ['/learning', 'Learning'],
  ['/experiments', 'Experiments'],
  ['/budgets', 'Budgets'],
  ['/configuration', 'Configuration'],
  ['/alerts', 'Alerts'],
  ['/try', 'Try it'],
] as const;

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
  const { isConnected, isForbidden } = useLive();
  const [needsKey, setNeedsKey] = useState(false);
  useEffect(() => whenRefused(() => setNeedsKey(true)), []);
  const current = `/${hash.split('/')[1] ?? ''}`;
  const title = pages.find(([path]) => path === current)?.[1] ?? 'Now';
  useEffect(() => {
    document.title = `${title} · Quantum Router`;
  }, [title]);
  if (needsKey) return <SignIn />;
  return (
    <div class="frame">
      <header>
        <div class="head">
          <a class="name" href="#/">
            Quantum Router
          </a>
          <nav aria-label="Pages">
            {pages.map(([path, name]) => (
              <a key={path} href={`#${path}`} aria-current={path === current ? 'page' : undefined}>
                {name}
              </a>
            ))}
          </nav>
          <p class="connection" role="status">
            <span class={isConnected ? 'dot good' : 'dot bad'} aria-hidden="true" />
            {isForbidden ? 'not live for this key' : isConnected ? 'live' : 'connecting …'}
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
        <h1>{title}</h1>
        <Page hash={hash} />
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
