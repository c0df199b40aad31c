// The widget's pages work without this script. It reduces waiting and typing, and encrypts
// secrets before they leave the browser. Data attributes of a page activate each feature;
// if one fails, the page works as without a script. The script must never log or store a
// user's input. The syntax is that of 2017, for older browsers.
'use strict';

const main = document.querySelector('main');
const byId = (id) => document.getElementById(id);

// Undo what a submitted form changed when the browser restores the page.
const undo = [];
addEventListener('pageshow', (event) => {
  while (event.persisted && undo.length) undo.pop()();
});

// Ignore failures: the page works without the script, and an error may quote the input.
function attempt(work) {
  try {
    work();
  } catch (_) {}
}

// Do not navigate while a form is being submitted.
let leaving = null;
function reload() {
  if (!leaving) location.replace(main.dataset.self || location.href.split('#')[0]);
}

// By the clock: a hidden tab has fewer ticks.
function countDown(seconds, tick) {
  const end = Date.now() + 1000 * seconds;
  const timer = setInterval(() => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    if (left === 0) clearInterval(timer);
    tick(left);
  }, 1000);
  return timer;
}

// data-messages, data-origins: send messages to the windows around this one.
// data-warnings: tell the integrator.
attempt(() => {
  const read = (name) => JSON.parse(document.body.dataset[name] || '[]');
  for (const warning of read('warnings')) console.warn(warning);
  for (const other of [parent, opener]) {
    if (!other || other === window) continue;
    for (const origin of read('origins')) {
      for (const message of read('messages')) attempt(() => other.postMessage(message, origin));
    }
  }
});

// data-go, data-after: redirect to the client at the end.
const { go, after } = main.dataset;
if (go) setTimeout(() => location.replace(go), 1000 * after);

// data-events: the server reports the progress and the next page. A proxy may delay or cut
// the stream; then the page is reloaded.
attempt(() => {
  if (!main.dataset.events) return;
  const late = setTimeout(reload, 10000);
  const source = new EventSource(main.dataset.events);
  source.onopen = () => clearTimeout(late);
  let failures = 0;
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED && ++failures < 3) return; // it reconnects itself
    source.close();
    setTimeout(reload, 3000);
  };
  source.addEventListener('go', reload);
  source.addEventListener('progress', (event) => attempt(() => {
    failures = 0;
    const { text, done, total } = JSON.parse(event.data);
    const line = byId('progress-text');
    if (line.textContent !== text) line.textContent = text; // announce it once
    const bar = byId('progress');
    if (total > 0) {
      bar.max = total;
      bar.value = done;
    } else {
      bar.removeAttribute('value'); // indeterminate
    }
  }));
});

// data-watch: another tab may bring on the next page. Opened once.
attempt(() => {
  if (!main.dataset.watch) return;
  const source = new EventSource(main.dataset.watch);
  source.onerror = () => source.close();
  source.addEventListener('go', reload);
});

// #countdown, data-seconds: changes every second and is rarely announced.
attempt(() => {
  const line = byId('countdown');
  if (!line) return;
  const number = line.querySelector('span');
  const spoken = document.createElement('p'); // must exist before its text to be announced
  spoken.className = 'unseen';
  spoken.setAttribute('role', 'status');
  main.append(spoken);
  countDown(line.dataset.seconds, (left) => {
    number.textContent = Math.floor(left / 60) + ':' + String(left % 60).padStart(2, '0');
    if ([60, 30, 10].includes(left)) spoken.textContent = line.textContent;
    if (left === 0) reload();
  });
});

// data-reveal: a button, hidden on the plain page, shows a password.
for (const button of document.querySelectorAll('[data-reveal]')) {
  button.addEventListener('click', (event) => {
    event.preventDefault();
    const input = byId(button.dataset.reveal);
    const shown = input.type === 'password';
    input.type = shown ? 'text' : 'password';
    button.setAttribute('aria-pressed', shown);
  });
  button.hidden = false;
}

// data-live: search banks while typing. Enter still submits.
attempt(() => {
  const form = document.querySelector('form[data-live]');
  if (!form) return;
  const input = byId('bank-search-input');

  function show(html) {
    const page = document.createElement('template');
    page.innerHTML = html;
    const list = page.content.querySelector('#bank-list');
    const old = byId('bank-list');
    const focused = old.contains(document.activeElement);
    // A new live region is silent; only later changes are announced.
    const region = list.querySelector('[aria-live], [role=status]');
    const words = [...region.childNodes];
    region.textContent = '';
    setTimeout(() => region.append(...words), 100);
    old.replaceWith(list);
    if (focused) input.focus();
  }

  let shown = input.defaultValue;
  let asking;
  async function search() {
    if (asking) asking.abort(); // an older response must not arrive last
    if (input.value === shown) return;
    asking = new AbortController();
    const wanted = input.value;
    // form.action may be a button with that name.
    const address = new URL(form.getAttribute('action') || '', location.href);
    address.search = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(address, { headers: { 'X-Fragment': 'banks' }, signal: asking.signal });
      show(await answer.text());
      shown = wanted;
    } catch (_) { /* Enter still works */ }
  }

  let pause;
  input.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(search, 250);
  });
  addEventListener('pageshow', search); // the browser may have restored the input
});

// data-once: submit a form once, however often its button is pressed.
const sent = new Set();
function send(form) {
  const buttons = [...form.elements].filter((field) => field.matches('button'));
  const again = () => {
    leaving = null;
    sent.delete(form);
    for (const button of buttons) button.removeAttribute('aria-disabled');
  };
  sent.add(form);
  for (const button of buttons) button.setAttribute('aria-disabled', true);
  if (form.target) { // this page stays, and the other tab may be closed
    setTimeout(again, 2000);
  } else {
    leaving = form;
    undo.push(again);
  }
}

// Submits a validated form with additional fields.
function deliver(form, fields) {
  for (const [name, value] of fields) {
    const input = document.createElement('input');
    Object.assign(input, { type: 'hidden', name, value });
    form.append(input);
    undo.push(() => input.remove());
  }
  HTMLFormElement.prototype.submit.call(form);
}

addEventListener('submit', (event) => {
  const form = event.target;
  if (sent.has(form)) event.preventDefault();
  if (event.defaultPrevented) return;
  send(form);
  // An empty field is not encrypted; it may keep the stored value.
  const secrets = [...form.querySelectorAll('[data-encrypt]')].filter((input) => input.value);
  if (!secrets.length || !keys.has(form) || !('submitter' in event)) return;
  event.preventDefault();
  const button = event.submitter;
  seal(form, secrets).catch(() => []).then((fields) => { // on failure in clear: the server encrypts it
    if (button && button.name) fields.push([button.name, button.value]);
    if (leaving === form) deliver(form, fields); // unless another form was submitted
  });
});

// data-submit-after, data-action: submit a form automatically without user activity.
for (const form of document.querySelectorAll('[data-submit-after]')) {
  const { submitAfter, action } = form.dataset;
  const number = byId('seconds');
  const line = number.closest('p'); // hidden without a script, where the page waits
  line.hidden = false;
  const timer = countDown(submitAfter, (left) => {
    number.textContent = left;
    if (left > 0 || sent.has(form)) return;
    send(form);
    deliver(form, [['action', action]]);
  });
  const stay = () => {
    clearInterval(timer);
    line.hidden = true;
  };
  for (const touch of ['pointerdown', 'keydown', 'wheel']) addEventListener(touch, stay);
}

// data-key, data-encrypt: load the key in advance.
const keys = new Map();
for (const form of document.querySelectorAll('[data-key]')) {
  if (!crypto.subtle) break; // insecure context or old browser
  const key = fetch(form.dataset.key).then((answer) => answer.json());
  key.catch(() => {}); // seal handles the failure
  keys.set(form, key);
}

// Encrypts all secrets or none, and returns the fields to send instead.
async function seal(form, secrets) {
  const late = new Promise((_, fail) => { setTimeout(fail, 5000); });
  const key = await Promise.race([keys.get(form), late]);
  const fields = [['key_id', key.key_id]];
  for (const input of secrets) fields.push([input.name, await encrypt(key, input.value)]);
  for (const input of secrets) {
    const { name } = input;
    undo.push(() => { input.name = name; });
    input.removeAttribute('name');
    input.value = '';
  }
  return fields;
}

// An OpenPGP message (RFC 4880, RFC 6637) that all programs support: a session key,
// encrypted with a secret from the key's curve, and the text, encrypted by AES-256 with
// the session key.
async function encrypt(key, text) {
  const session = random(32);
  const sum = session.reduce((total, byte) => total + byte);
  const fingerprint = fromHex(key.fingerprint);
  const hidden = await hide(fromBase64(key.point), fingerprint, [
    9, ...session, sum >> 8, sum & 255, 5, 5, 5, 5, 5, // 9 is AES-256, the fives are padding
  ]);
  const literal = packet(11, [98, 0, 0, 0, 0, 0, ...new TextEncoder().encode(text)]); // bytes, no name, no date
  const prefix = random(16); // its last two bytes are repeated
  const guarded = Uint8Array.of(...prefix, prefix[14], prefix[15], ...literal, 0xd3, 20);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', guarded));
  return armor([
    ...packet(1, [3, ...fingerprint.slice(12), 18, ...hidden]), // version 3, algorithm ECDH
    ...packet(18, [1, ...await cfb(session, [...guarded, ...hash])]),
  ]);
}

const random = (length) => crypto.getRandomValues(new Uint8Array(length));

const packet = (tag, body) => {
  const { length } = body; // each element is truncated to its low byte
  return Uint8Array.of(0xc0 | tag, 0xff, length >> 24, length >> 16, length >> 8, length, ...body);
};

// ECDH: only the owner of the point can recover the secret. Returns an ephemeral point and
// the secret, wrapped with the shared key. The parameters are the curve P-256, SHA-512 and AES-256.
async function hide(point, fingerprint, secret) {
  const { subtle } = crypto;
  const curve = { name: 'ECDH', namedCurve: 'P-256' };
  const theirs = await subtle.importKey('raw', Uint8Array.from(point), curve, false, []);
  const ours = await subtle.generateKey(curve, true, ['deriveBits']);
  const common = await subtle.deriveBits({ name: 'ECDH', public: theirs }, ours.privateKey, 256);
  const hash = await subtle.digest('SHA-512', Uint8Array.of(
    0, 0, 0, 1, ...new Uint8Array(common),
    8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 18, 3, 1, 10, 9,
    ...new TextEncoder().encode('Anonymous Sender    '), ...fingerprint,
  ));
  const wrapping = await subtle.importKey('raw', hash.slice(0, 32), 'AES-KW', false, ['wrapKey']);
  // WebCrypto wraps only keys; a key for HMAC may have any bytes.
  const wrapped = await subtle.importKey('raw', Uint8Array.from(secret), { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
  const sealed = new Uint8Array(await subtle.wrapKey('raw', wrapped, wrapping, 'AES-KW'));
  const own = new Uint8Array(await subtle.exportKey('raw', ours.publicKey));
  return [515 >> 8, 515 & 255, ...own, sealed.length, ...sealed]; // the length in bits precedes a number
}

// CFB, which WebCrypto lacks: each block is XORed with the encryption of the previous one.
// The first block of CBC with a zero IV is plain AES.
async function cfb(session, plain) {
  const aes = await crypto.subtle.importKey('raw', session, 'AES-CBC', false, ['encrypt']);
  const iv = new Uint8Array(16);
  const hidden = Uint8Array.from(plain);
  let before = iv;
  for (let at = 0; at < hidden.length; at += 16) {
    const mask = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, aes, before));
    before = hidden.subarray(at, at + 16);
    before.forEach((byte, i) => { before[i] = byte ^ mask[i]; });
  }
  return hidden;
}

function armor(bytes) {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) crc = crc << 1 ^ (crc & 0x800000 ? 0x1864cfb : 0);
  }
  const base64 = (some) => btoa(String.fromCharCode(...some));
  const lines = base64(bytes).match(/.{1,64}/g).join('\n');
  const sum = base64([crc >> 16, crc >> 8 & 255, crc & 255]);
  return `-----BEGIN PGP MESSAGE-----\n\n${lines}\n=${sum}\n-----END PGP MESSAGE-----\n`;
}

const fromHex = (text) => text.match(/../g).map((pair) => parseInt(pair, 16));
const fromBase64 = (text) => Array.from(atob(text), (c) => c.charCodeAt(0));
