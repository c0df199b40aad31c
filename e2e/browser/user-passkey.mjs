// Passkeys of users, with Chromium's virtual authenticator. passkey_test.go starts a sandbox for this
// story alone, at a public URL with a name.
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { arrived, browser, Client, patience, platform, Site } from './lib.mjs'

const named = platform.replace('127.0.0.1', 'localhost') // passkeys belong to names
const client = new Client('sandbox-licensed')
const site = await Site.open()
after(async () => {
  await (await browser()).close()
  await site.close()
})

async function open(options = {}) {
  const context = await (await browser()).newContext({ locale: 'en-GB', ...options })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  return { context, page }
}

const back = (page) => arrived(page, (url) => url.origin === site.origin && url.searchParams.has('code'))
const useIn = (where, kind = 'get') => where.locator(`form[data-passkey=${kind}] button[name=use]`)

test('a user adds a passkey, signs in with it, confirms with it, and removes it', async () => {
  const user = await client.user()
  const { client_id } = client.credentials
  const own = `${named}/signin/account?client_id=${client_id}`
  const signin = `${named}/signin?${new URLSearchParams({ response_type: 'code', client_id, redirect_uri: site.origin + '/back', scope: 'openid' })}`
  const { context, page } = await open()
  const faults = []
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('400') && faults.push(message.text()))
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
    },
  })

  await page.goto(own)
  await page.locator('#username').fill(user.login.email)
  await page.locator('#password').fill(user.login.password)
  await page.locator('#password').press('Enter')
  await page.locator('#passkey_name').fill('Blue key')
  await useIn(page, 'create').click()
  await page.locator('.list strong').getByText('Blue key', { exact: true }).waitFor()
  const known = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
  assert.equal(known.credentials[0].rpId, 'localhost')
  assert.ok(known.credentials[0].isResidentCredential)

  // It signs in to the application without a word about who it is.
  await page.goto(signin)
  await useIn(page).click()
  await back(page)

  // It opens the user's own page, too.
  await page.goto(own)
  await page.locator('form[action^="/signin/account/leave"] button').click()
  await useIn(page).click()
  await page.locator('.list strong').getByText('Blue key', { exact: true }).waitFor()

  // In a frame, and without scripts, the password is the way.
  const frames = await open()
  await frames.page.goto(site.page('/framing', `<iframe title="Sign in" width="400" height="700" src="${signin.replaceAll('&', '&amp;')}"></iframe>`))
  const frame = frames.page.frameLocator('iframe')
  await frame.locator('[data-reveal=password]').waitFor() // scripts have run
  assert.equal(await useIn(frame).isVisible(), false)
  const plain = await open({ javaScriptEnabled: false })
  await plain.page.goto(signin)
  assert.equal(await useIn(plain.page).isVisible(), false)
  await plain.page.locator('#username').fill(user.login.email)
  await plain.page.locator('#password').fill(user.login.password)
  await plain.page.locator('#password').press('Enter')
  await back(plain.page)

  await page.locator('form[action^="/signin/account/passkeys/remove"] button').click()
  await page.locator('p.news').waitFor()
  await page.goto(signin)
  await useIn(page).click()
  await page.locator('#problem').waitFor()
  assert.deepEqual(faults, [])
})
