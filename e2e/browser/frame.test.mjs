// The widget in an integrator's page, in a frame or a popup, and what it tells that page.
import assert from 'node:assert/strict'
import { arrived, bank, code, demoBank, desktop, platform, story, testBank, widget } from './story.mjs'

const provider_id = testBank.id

const listener = `<script>
  const told = []
  addEventListener('message', ({ origin, data }) => told.push({ origin, data }))
</script>`

/** An integrator's page with the widget in a frame. */
async function frame(s, entry, parameters) {
  const link = (await s.link(entry, parameters)).replaceAll('&', '&amp;')
  const html = `<main><h1>Integrator</h1><iframe title="Connect your bank" width="408" height="600" src="${link}"></iframe></main>`
  await s.page.goto(s.site.page('/frame', listener + html))
  return s.page.frameLocator('iframe')
}

/** Everything that the integrator's page was told, by the name of the event. */
async function told(page) {
  const messages = await page.evaluate(() => told)
  for (const { origin, data } of messages) {
    assert.equal(origin, platform)
    assert.equal(typeof data, 'object')
  }
  return (name) => messages.map(({ data }) => data).filter(({ eventName }) => eventName === name)
}

/** Presses what leads to the bank, which opens in a tab of its own. */
async function toTheBank(s, inside) {
  const opened = s.context.waitForEvent('page')
  await widget(inside).press('authorize')
  return opened
}

const assertRedirectTo = async (page, address, result) => {
  await page.waitForFunction(() => told.some(({ data }) => data.eventName === 'redirect_to'))
  const [message] = (await told(page))('redirect_to')
  assert.equal(message.redirect_url, address)
  assert.deepEqual([message.status, message.result], result)
  return message
}

story('EMBEDDED in a frame of 408x600, step by step told to the page around', { viewport: desktop }, async (s) => {
  const inside = await frame(s, 'add_connection')
  await widget(inside).choose(demoBank)
  await widget(inside).login({ 10001: 'demo' })
  await widget(inside).sms(code)
  await widget(inside).press('consent')
  const message = await assertRedirectTo(s.page, s.target, ['success', 'created'])
  assert.equal((await s.user.get('/connections/' + message.connection_id)).status, 'SUCCESS')
  const named = await told(s.page)
  for (const name of ['WIDGET_CHOOSE_BANK', 'WIDGET_LOGIN', 'WIDGET_SYNCHRONIZATION', 'WIDGET_CONSENT'])
    assert.ok(named(name).length, `${name} is told`)
  await inside.getByRole('heading', { name: 'Back at the integrator' }).waitFor()
})

story('a frame without a target ends on a page of ours', { viewport: desktop, colorScheme: 'dark' }, async (s) => {
  const session = await s.user.session()
  s.session = session
  const inside = await frame(s, 'add_connection', { redirect_uri: '', provider_id: demoBank.id })
  await widget(inside).press('cancel')
  await assertRedirectTo(s.page, '/success', ['cancelled', 'cancelled'])
  await inside.locator('main:not(:has(button)) h1').waitFor()
})

story('REDIRECT in a frame: the bank in another tab, and on in the frame', { viewport: desktop }, async (s) => {
  const inside = await frame(s, 'add_connection', { provider_id })
  const tab = await toTheBank(s, inside)
  await bank(tab).agree('dev')
  await tab.locator('main:not(:has(button)) h1').waitFor()
  assert.ok(tab.url().startsWith(platform))
  await s.page.bringToFront()
  await widget(inside).press('consent')
  await assertRedirectTo(s.page, s.target, ['success', 'created'])
})

story('REDIRECT in a frame: refused in the other tab', { viewport: desktop }, async (s) => {
  const inside = await frame(s, 'add_connection', { provider_id })
  const tab = await toTheBank(s, inside)
  await bank(tab).cancel()
  await s.page.bringToFront()
  await inside.getByRole('alert').waitFor()
  await widget(inside).press('cancel')
  await assertRedirectTo(s.page, s.target, ['cancelled', 'cancelled'])
})

story('REDIRECT in a frame with aspsp_callback_uri: the integrator takes the user back', { viewport: desktop }, async (s) => {
  s.session = await s.user.session()
  const parameters = { provider_id, aspsp_callback_uri: s.site.origin + '/from-the-bank?visitor=7' }
  const inside = await frame(s, 'add_connection', parameters)
  const again = (await s.link('add_connection', parameters)).replaceAll('&', '&amp;')
  s.site.page('/from-the-bank', `${listener}<main><h1>Welcome back</h1><iframe title="Connect your bank" width="408" height="600" src="${again}"></iframe></main>`)
  const tab = await toTheBank(s, inside)
  await bank(tab).agree('dev')
  await arrived(tab, (url) => url.origin === s.site.origin)
  assert.equal(new URL(tab.url()).searchParams.get('visitor'), '7')
  await widget(inside).button('consent').waitFor()
  await widget(tab.frameLocator('iframe')).press('consent')
  await assertRedirectTo(tab, s.target, ['success', 'created'])
  await s.page.bringToFront()
  // The frame that began all this goes on by itself.
  await assertRedirectTo(s.page, s.target, ['success', 'created'])
  assert.equal((await s.user.connections()).length, 1)
})

story('app to app: aspsp_callback_uri without a frame', async (s) => {
  s.session = await s.user.session()
  const parameters = { provider_id, aspsp_callback_uri: s.site.origin + '/app' }
  await s.open('add_connection', parameters)
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await arrived(s.page, (url) => url.origin === s.site.origin && url.pathname === '/app')
  await s.open('add_connection', parameters)
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  assert.equal((await s.user.connections()).length, 1)
})

story('a popup tells the page that opened it', { viewport: desktop }, async (s) => {
  const link = await s.link('add_connection', { provider_id })
  const button = `<button onclick="open('${link.replaceAll('&', '&amp;')}', 'bank', 'width=408,height=600')">Connect</button>`
  await s.page.goto(s.site.page('/popup', `${listener}<main><h1>Integrator</h1>${button}</main>`))
  const opened = s.page.waitForEvent('popup')
  await s.page.getByRole('button').click()
  const popup = await opened
  await widget(popup).press('authorize')
  await bank(popup).agree('dev')
  await widget(popup).press('consent')
  assert.equal((await s.back(popup)).status, 'success')
  const message = await assertRedirectTo(s.page, s.target, ['success', 'created'])
  assert.ok(message.connection_id)
})
