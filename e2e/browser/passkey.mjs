// Passkeys of the console, with Chromium's virtual authenticator. passkey_test.go starts a
// sandbox for this story alone, because it changes the second factor of the first operator.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import test, { after } from 'node:test'
import { chromium } from 'playwright-core'

const platform = process.env.OXLIN_PLATFORM.replace('127.0.0.1', 'localhost') // passkeys belong to names
const browser = await chromium.launch({ executablePath: process.env.OXLIN_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] })
after(() => browser.close())

async function open(options = {}) {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(40_000)
  const page = await context.newPage()
  const press = (name) => page.getByRole('button', { name, exact: true }).click()
  const login = async () => {
    await page.goto(platform + '/console/login')
    await page.getByLabel("The operator's password").fill('sandbox')
    await press('Log in')
  }
  const title = (text) => page.getByRole('heading', { level: 1, name: text }).waitFor()
  return { context, page, press, login, title }
}

/** The code that an authenticator app shows for a key now (RFC 6238). */
function code(key) {
  const bits = [...key.replace(/\s/g, '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const bytes = Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const hash = createHmac('sha1', bytes).update(step).digest()
  return String((hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

test('an operator adds a passkey, logs in with it, confirms with it, and removes it', async () => {
  const { context, page, press, login, title } = await open()
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
  const refusals = []
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('422') && refusals.push(message.text()))

  await login()
  await page.goto(platform + '/console/account')
  await page.getByText('set that up first').waitFor()
  await page.goto(platform + '/console/account/factor')
  await page.getByLabel('The code of six digits').fill(code(await page.locator('.secret').innerText()))
  await press('Set up')
  const [spare] = await page.locator('li.secret').allInnerTexts()

  await page.goto(platform + '/console/account')
  await page.getByLabel('Name of the new passkey').fill('Blue key')
  await press('Add a passkey')
  await page.getByRole('cell', { name: 'Blue key', exact: true }).waitFor()
  const known = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
  assert.equal(known.credentials[0].rpId, 'localhost')

  const loginByPasskey = async () => {
    await press('Log out')
    await login()
    await title('Second factor')
    await press('Use a passkey instead')
  }
  await loginByPasskey()
  await title('Bank health')

  await page.goto(platform + '/console/confirm?back=/console/account')
  await page.getByLabel('Your password').fill('sandbox')
  await press('Use the password and a passkey')
  await title('Your account')

  // Without JavaScript the code is the way, and the page says so.
  const plain = await open({ javaScriptEnabled: false })
  await plain.login()
  await plain.title('Second factor')
  assert.equal(await plain.page.getByRole('button', { name: 'Use a passkey instead' }).count(), 0)
  await plain.page.getByText('A passkey needs JavaScript').waitFor()
  await plain.page.getByLabel('The code of your authenticator app').fill(spare)
  await plain.press('Continue')
  await plain.title('Bank health')

  // A copy of the passkey has the counter of the day when it was made.
  const { credentials: [credential] } = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
  await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId: credential.credentialId })
  await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...known.credentials[0], privateKey: credential.privateKey } })
  await loginByPasskey()
  await page.getByText('may have been copied').waitFor()

  await plain.page.goto(platform + '/console/account')
  await plain.press('Remove Blue key')
  await plain.page.getByText('Done.').waitFor()
  assert.equal(await plain.page.getByRole('cell', { name: 'Blue key', exact: true }).count(), 0)
  assert.deepEqual(refusals, [])
})
