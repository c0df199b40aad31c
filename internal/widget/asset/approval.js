// The user approves in the app of the bank: this asks every few seconds whether the page has
// become another one, and shows it then. A page that stays is not loaded again, so that screen
// readers are not interrupted and a button keeps the focus.
'use strict';
(() => {
  const every = 1000 * document.querySelector('main').dataset.asks;
  const look = (page) => {
    const main = page.querySelector('main');
    return [page.title, main.textContent, ...Array.from(main.querySelectorAll('img'), (image) => image.getAttribute('src'))].join('\n');
  };
  const before = look(document);
  let sent = false;
  addEventListener('submit', () => { sent = true; });

  async function ask() {
    try {
      const answer = await fetch(location.href, { redirect: 'manual' });
      const text = await answer.text();
      if (sent) return;
      if (answer.type === 'opaqueredirect' || look(new DOMParser().parseFromString(text, 'text/html')) !== before) {
        location.replace(location.href);
        return;
      }
    } catch (_) {} // asked again
    setTimeout(ask, every);
  }
  setTimeout(ask, every);
})();
