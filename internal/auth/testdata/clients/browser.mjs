// A user's browser, as far as the sign-in page needs one: cookies, a form, and a
// redirect that it does not follow.

import { webcrypto } from 'node:crypto'

// Node 18 has no global crypto, which the libraries use when they are called.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

// signIn opens the client's request, fills in the page's form, and returns the address
// that the user is redirected to.
export async function signIn(address, username, password) {
  const page = await fetch(address)
  const text = await page.text()
  if (page.status !== 200) {
    throw new Error(`the page: ${page.status} ${text}`)
  }
  const form = new URLSearchParams({ username, password })
  for (const [, name, value] of text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)) {
    form.set(name, value)
  }
  const cookie = page.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ')
  const answer = await fetch(address, { method: 'POST', body: form, headers: { cookie }, redirect: 'manual' })
  const location = answer.headers.get('location')
  if (answer.status !== 303 || !location) {
    throw new Error(`the form: ${answer.status} ${await answer.text()}`)
  }
  return new URL(location)
}
