/* What a page without a bundler has in its head: keeps calls and errors until the script is there. */
((page, address, options) => {
  const stub = (page.seamark = { calls: [], errors: [], options });
  for (const name of 'track page feature measure captureError identify setContext setConsent reset'.split(' ')) {
    stub[name] = (...given) => stub.calls.push((seamark) => seamark[name](...given));
  }
  const early = (event) => page.seamark === stub && stub.errors.length < 20 && stub.errors.push(event);
  page.addEventListener('error', early);
  page.addEventListener('unhandledrejection', early);
  const script = document.createElement('script');
  script.src = address;
  document.head.append(script);
})(window, '/seamark.iife.js', { key: 'KEY', endpoint: 'ENDPOINT' });
