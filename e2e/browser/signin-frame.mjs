// The sign-in page in frames of other sites, over HTTPS, where third parties have no cookies
// but partitioned ones. https_test.go starts the platform and the two sites.
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { chromium } from 'playwright-core'

const { OXLIN_PLATFORM, OXLIN_SHOP, OXLIN_OTHER, OXLIN_CLIENT, OXLIN_EMAIL, OXLIN_PASSWORD, OXLIN_KEY_HASH } = process.env
const patience = 40_000

const browser = await chromium.launch({
  executablePath: process.env.OXLIN_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--host-resolver-rules=MAP *.test 127.0.0.1',
    '--ignore-certificate-errors-spki-list=' + OXLIN_KEY_HASH,
    '--test-third-party-cookie-phaseout',
  ],
})
after(() => browser.close())

const signin = `${OXLIN_PLATFORM}/signin?${new URLSearchParams({
  response_type: 'code', client_id: OXLIN_CLIENT, redirect_uri: OXLIN_SHOP + '/back', scope: 'openid profile', state: 'mine', lng: 'en',
})}`
const framing = (site, address) => `${site}/frame?src=${encodeURIComponent(address)}`

async function open(address) {
  const context = await browser.newContext()
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const refusals = []
  page.on('console', (message) => message.type() === 'error' && refusals.push(message.text()))
  await page.goto(address)
  return { context, page, refusals }
}

/** Waits until the browser has refused a frame for its ancestors. */
async function refusedFrame({ page, refusals }) {
  for (const end = Date.now() + patience; Date.now() < end; await page.waitForTimeout(50))
    if (refusals.some((text) => text.includes('frame-ancestors'))) break
  assert.ok(refusals.some((text) => text.includes('frame-ancestors')), `no refusal in ${JSON.stringify(refusals)}`)
  for (const frame of page.frames()) assert.equal(await frame.locator('#username').count(), 0)
}

test('the site of a redirect target frames the page, and its user signs in there', async () => {
  const { context, page } = await open(framing(OXLIN_SHOP, signin))
  const frame = page.frameLocator('iframe')
  await frame.locator('#username').fill(OXLIN_EMAIL)
  await frame.locator('#password').fill('wrong')
  await frame.locator('button:not([name])').click()
  await frame.locator('#problem').waitFor()
  const cookie = (await context.cookies(OXLIN_PLATFORM + '/signin')).find(({ name }) => name === '__Host-oxlin_signin')
  assert.equal(cookie?.sameSite, 'None')
  assert.ok(cookie.secure && cookie.httpOnly)
  assert.ok(cookie.partitionKey?.includes('shop.test'), `the partition is ${cookie.partitionKey}`)
  await frame.locator('#password').fill(OXLIN_PASSWORD)
  await frame.locator('button:not([name])').click()
  await frame.getByRole('heading', { name: 'Back' }).waitFor()
  const inside = new URL(page.frames()[1].url())
  assert.equal(inside.origin, OXLIN_SHOP)
  assert.equal(inside.searchParams.get('state'), 'mine')
})

test('the user cancels in the frame', async () => {
  const { page } = await open(framing(OXLIN_SHOP, signin))
  await page.frameLocator('iframe').locator('button[name=cancel]').click()
  await page.frameLocator('iframe').getByRole('heading', { name: 'Back' }).waitFor()
  assert.equal(new URL(page.frames()[1].url()).searchParams.get('error'), 'access_denied')
})

test('another site cannot frame the page', async () => {
  await refusedFrame(await open(framing(OXLIN_OTHER, signin)))
})

test('another site cannot frame it within a page of the shop', async () => {
  await refusedFrame(await open(framing(OXLIN_OTHER, framing(OXLIN_SHOP, signin))))
})

for (const [name, site] of [['the shop', OXLIN_SHOP], ['another site', OXLIN_OTHER]]) {
  test(`a form that ${name} sends by itself is refused`, async () => {
    const { page } = await open(`${site}/forge?to=${encodeURIComponent(signin)}`)
    const answered = page.waitForResponse((response) => response.url() === signin)
    await page.locator('button').click()
    assert.equal((await answered).status(), 403)
    await page.getByText('access_denied').waitFor()
  })
}
