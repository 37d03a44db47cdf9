/** The page: a session and its drawing. */
import { render } from 'preact';
import { App } from './components/app.tsx';
import { Session } from './session.ts';
import { keepTheme } from './theme.ts';

keepTheme();
const session = new Session();
// Before drawing: the worker and the files of the address load meanwhile.
const opened = session.open();
render(<App session={session} />, document.getElementById('page') as HTMLElement);

/** Keeps the page for use without a network. `data-kept` tells that it is. */
async function keep(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('./sw.js');
    await navigator.serviceWorker.ready;
    document.documentElement.dataset.kept = 'yes';
  } catch {
    // Private windows and plain http: the page works, its lazy parts come from its own server.
    document.documentElement.dataset.kept = 'no';
  }
}
// Once it stands and what its address asked for is done: keeping it reads all of its files, and would take the cores from the verdict.
const stands = new Promise((done) => (document.readyState === 'complete' ? done(null) : addEventListener('load', done, { once: true })));
void Promise.allSettled([stands, opened]).then(keep);
