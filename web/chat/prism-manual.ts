/** Keeps the library from colouring the page by itself, which it would do by parsing HTML. */
Reflect.set(globalThis, 'Prism', { manual: true, disableWorkerMessageHandler: true });
