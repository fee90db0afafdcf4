// What a panel does by itself: give each press a key of its own, hold a
// pressed button until the next screen, count a warning down, and notice
// when the counter has gone silent. hx-sse does the rest; it does not retry a
// first connection that failed, so a reload does.
(() => {
  'use strict';
  const panel = document.getElementById('panel');
  const offline = document.getElementById('offline');
  const patience = Number(panel.dataset.patience);

  // crypto.randomUUID is missing where a page is not loaded by https or from
  // loopback.
  const key = () => crypto.randomUUID ? crypto.randomUUID()
    : Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');

  const held = new Set();
  const release = () => {
    for (const button of held) button.removeAttribute('aria-disabled');
    held.clear();
  };
  document.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (button && button.getAttribute('aria-disabled') === 'true') {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
  document.addEventListener('htmx:config:request', event => {
    const ctx = event.detail.ctx;
    if (ctx.sourceElement.localName !== 'button') return;
    ctx.request.body.set('key', key());
    ctx.sourceElement.setAttribute('aria-disabled', 'true');
    held.add(ctx.sourceElement);
    setTimeout(release, 2000); // a press that changed nothing
  });

  let heard = performance.now();
  const hear = () => { heard = performance.now(); offline.hidden = true; };
  let focused = false;
  panel.addEventListener('hb', hear);
  panel.addEventListener('htmx:sse:before:message', () => {
    focused = panel.contains(document.activeElement) && document.activeElement.localName === 'button';
  });
  panel.addEventListener('htmx:sse:after:message', () => { hear(); arrange(); });

  let until = 0;
  let asked = 0; // the warning that is being counted down
  function arrange() {
    const screen = document.getElementById('screen');
    document.documentElement.lang = screen.lang;
    release();
    const countdown = document.getElementById('countdown');
    asked = countdown ? Number(countdown.dataset.seconds) : 0;
    until = performance.now() + 1000 * asked;
    if (focused && !panel.contains(document.activeElement)) {
      (panel.querySelector('main button') || panel.querySelector('main')).focus();
    }
  }
  arrange();

  // The number changes every five seconds: a ticking clock is for nobody.
  function count() {
    const countdown = document.getElementById('countdown');
    if (!countdown) return;
    const left = Math.max(0, Math.ceil((until - performance.now()) / 5000) * 5);
    if (left < asked) countdown.textContent = countdown.dataset.text.replace('{}', left);
  }

  // A page that reloads while the counter is away would be gone for good.
  let asking = false;
  function reload() {
    if (asking) return;
    asking = true;
    fetch(location.href, { cache: 'no-store' })
      .then(answer => { if (answer.ok) location.reload(); })
      .catch(() => {})
      .finally(() => setTimeout(() => { asking = false; }, 3000));
  }

  setInterval(() => {
    count();
    const silence = performance.now() - heard;
    offline.hidden = silence < patience;
    if (silence > patience * 5 / 3) reload();
  }, 500);
})();
