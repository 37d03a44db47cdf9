/** Starts the worker and keeps what it says where the test reads it. */
const worker = new Worker(new URL('./kernels.worker.ts', import.meta.url), { type: 'module' });
const answer = new Promise((done, fail) => {
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = (e) => fail(new Error(e.message));
});
Object.assign(globalThis, { answer });
