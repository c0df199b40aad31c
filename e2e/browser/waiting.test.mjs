// What the user sees while the bank is slow, and how long they are kept.
import assert from 'node:assert/strict'
import { code, desktop, dev, story, testBank, until } from './story.mjs'

const provider_id = testBank.id

async function toTheConsent(s, login, parameters) {
  await s.open('add_connection', { provider_id, ...parameters })
  await s.widget.press('authorize')
  await s.bank.agree(login)
  await s.widget.button('consent').waitFor()
}

story('captive: the user sees the progress, and is kept until all is fetched', { viewport: desktop }, async (s) => {
  const streams = []
  s.page.on('request', (request) => request.resourceType() === 'eventsource' && streams.push(request.url()))
  await toTheConsent(s, 'dev+slow-300')
  await s.widget.press('consent')
  const documents = []
  s.page.on('request', (request) => request.isNavigationRequest() && documents.push(request.url()))
  const progress = s.page.locator('#progress-text')
  const first = await progress.innerText()
  await s.page.waitForFunction((first) => {
    const text = document.querySelector('#progress-text')?.innerText
    return text && text !== first
  }, first)
  assert.equal(documents.length, 0, 'progress comes without loading the page again')
  assert.ok(streams.length > 0)
  const { connection_id } = await s.back()
  assert.equal((await s.user.get('/connections/' + connection_id)).status, 'SUCCESS')
})

for (const parameters of [{ captive_mode: false }, { captive_mode: true, wait_sync_end: false }])
  story(`not captive (${Object.entries(parameters).join(' ').replaceAll(',', '=')}): the user goes before all is fetched`, async (s) => {
    await toTheConsent(s, 'dev+slow-1500', parameters)
    await s.widget.press('consent')
    const { status, connection_id } = await s.back()
    assert.equal(status, 'success')
    assert.equal((await s.user.get('/connections/' + connection_id)).status, 'RUNNING')
  })

story('not captive, given with the session: overridden by the address', async (s) => {
  s.session = await s.user.session({ captive_mode: 'false' })
  await toTheConsent(s, 'dev+slow-200', { captive_mode: true })
  await s.widget.press('consent')
  const { connection_id } = await s.back()
  assert.equal((await s.user.get('/connections/' + connection_id)).status, 'SUCCESS')
})

story('where event streams are blocked, the page asks again by itself', async (s) => {
  await s.context.route('**/*', (route) => {
    const stream = route.request().headers().accept === 'text/event-stream'
    return stream ? route.abort() : route.fallback()
  })
  await s.page.clock.install()
  const patiently = (next) =>
    until('the page went on', async () => {
      if (await next.isVisible()) return true
      await s.page.clock.fastForward('00:10').catch(() => {}) // unless it is just leaving
    })
  await s.open('add_connection', { provider_id, channel_definition_id: testBank.embedded })
  await s.widget.login(dev)
  await patiently(s.page.locator('button[name="304"][value=true]'))
  await s.widget.sms(code)
  await patiently(s.widget.button('consent'))
  await s.widget.press('consent')
  await patiently(s.page.getByText('Back at the integrator'))
  assert.equal((await s.back()).status, 'success')
})

story('the time left to answer is counted down', async (s) => {
  await s.page.clock.install()
  await s.open('add_connection', { provider_id, channel_definition_id: testBank.embedded })
  await s.widget.login(dev)
  const countdown = s.page.locator('#countdown')
  await countdown.waitFor()
  const before = await countdown.innerText()
  await s.page.clock.fastForward(15_000)
  await s.page.waitForFunction((before) => document.querySelector('#countdown').innerText !== before, before)
})

story('an offer that nobody takes goes away by itself', async (s) => {
  await s.page.clock.install()
  s.session = await s.user.session({}, { path: '/v2.1/widget_session' })
  await toTheConsent(s, 'dev', { congrats_bypass_delay: 0 })
  await s.widget.press('consent')
  await s.widget.button('add_channel').waitFor()
  await s.page.clock.fastForward('01:00')
  assert.equal((await s.back()).status, 'success')
})
