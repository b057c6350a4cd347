require('@testing-library/jest-dom');
const { TextDecoder, TextEncoder } = require('util');

Object.assign(globalThis, { TextDecoder, TextEncoder });

// What jsdom lacks and @grafana/ui asks for when it is loaded.
const media = (query) => ({ matches: false, media: query, addEventListener() {}, removeEventListener() {} });
Object.assign(globalThis, { matchMedia: media });
HTMLCanvasElement.prototype.getContext = () => ({ measureText: (text) => ({ width: 8 * text.length }) });
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
