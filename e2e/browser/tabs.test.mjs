// Two tabs of one flow, in one browser: each shows what the other has done.
import assert from 'node:assert/strict'
import { code, dev, story, testBank, until, widget } from './story.mjs'

const provider_id = testBank.id

/** Opens the same page of the flow in a second tab. live: with the stream of its updates. */
async function second(s, live) {
  const page = await s.context.newPage()
  if (!live)
    await page.route('**/*', (route) => (route.request().headers().accept === 'text/event-stream' ? route.abort() : route.fallback()))
  await page.goto(s.page.url())
  return page
}

/** Waits for the end of a tab, at the integrator's. */
async function ended(s, page, live) {
  await until('the other tab has ended', async () => new URL(page.url()).origin === s.site.origin || (!live && reloaded(page)))
}

/** A tab without updates is loaded again by its user. */
async function reloaded(page) {
  await page.reload().catch(() => {}) // unless it is just leaving
  return false
}

for (const live of [true, false]) {
  const how = live ? 'live' : 'without updates'

  story(`a challenge answered in one tab is not asked in the other (${how})`, async (s) => {
    await s.open('add_connection', { provider_id, channel_definition_id: testBank.embedded })
    await s.widget.login(dev)
    await s.page.locator('button[name="304"][value=true]').waitFor()
    const other = await second(s, live)
    await other.locator('button[name="304"][value=true]').waitFor()
    await s.widget.sms(code)
    await s.widget.button('consent').waitFor()
    if (live) await widget(other).button('consent').waitFor()
    else await other.locator('button[name="304"][value=true]').click() // stale: it is ignored
    await widget(other).button('consent').waitFor()
    await s.widget.press('consent')
    assert.equal((await s.back()).status, 'success')
  })

  story(`a consent given in one tab cannot be refused in the other (${how})`, async (s) => {
    await s.open('add_connection', { provider_id, channel_definition_id: testBank.redirect })
    await s.widget.press('authorize')
    await s.bank.agree('dev')
    await s.widget.button('consent').waitFor()
    const other = await second(s, live)
    await widget(other).button('cancel').first().waitFor()
    await s.widget.press('consent')
    const { status, connection_id } = await s.back()
    assert.equal(status, 'success')
    if (!live) await widget(other).button('cancel').first().click()
    await ended(s, other, live)
    assert.equal(new URL(other.url()).searchParams.get('status'), 'success')
    assert.equal((await s.user.get('/connections/' + connection_id)).status, 'SUCCESS')
  })

  story(`a flow cancelled in one tab has ended in the other (${how})`, async (s) => {
    await s.open('add_connection', { provider_id, channel_definition_id: testBank.redirect })
    await s.widget.press('authorize')
    await s.bank.agree('dev')
    await s.widget.button('consent').waitFor()
    const other = await second(s, live)
    await widget(other).button('consent').waitFor()
    await s.widget.button('cancel').first().click()
    assert.equal((await s.back()).status, 'cancelled')
    if (!live) await widget(other).button('consent').first().click()
    await ended(s, other, live)
    assert.equal(new URL(other.url()).searchParams.get('status'), 'cancelled')
    assert.deepEqual(await s.user.get('/connections'), [])
  })
}

story('back and reload show what is due', async (s) => {
  await s.open('add_connection', { provider_id, channel_definition_id: testBank.redirect })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.button('consent').waitFor()
  await s.page.reload()
  await s.widget.button('consent').waitFor()
  await s.widget.press('consent')
  await s.back()
  await s.page.goBack()
  await until('the page of the end', async () => new URL(s.page.url()).origin === s.site.origin || !(await s.widget.button('consent').isVisible()))
})

story('flows of two sessions in one browser do not meet', async (s) => {
  await s.open('add_connection', { provider_id, channel_definition_id: testBank.redirect })
  await s.widget.press('authorize')
  const other = await s.context.newPage()
  await other.goto(await s.link('add_connection', { provider_id, channel_definition_id: testBank.embedded }, await s.user.session()))
  await widget(other).login(dev)
  await other.locator('button[name="304"][value=true]').waitFor()
  await s.bank.agree('dev')
  await s.widget.button('consent').waitFor()
  await widget(other).sms(code)
  await widget(other).button('consent').waitFor()
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  await widget(other).press('consent')
  assert.equal((await s.back(other)).status, 'success')
  assert.equal((await s.user.get('/connections')).length, 2)
})

story('a bank that takes long: the user leaves, without a script too', { script: false }, async (s) => {
  await s.open('add_connection', { provider_id, channel_definition_id: testBank.redirect })
  await s.widget.press('authorize')
  await s.page.locator('a.button').first().click().catch(() => {}) // the page leaves by itself
  await s.bank.agree('dev+slow-60000')
  await s.widget.button('cancel').waitFor()
  await s.widget.press('cancel')
  assert.equal((await s.back()).status, 'cancelled')
})
