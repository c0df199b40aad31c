// People change their minds, press twice, go back, come late, and do two things at once.
import assert from 'node:assert/strict'
import { bank, code, demoBank, dev, story, testBank, widget } from './story.mjs'

const provider_id = testBank.id
const cancelled = { status: 'cancelled', result: 'cancelled' }

const toTheConsent = async (s, parameters) => {
  await s.open('add_connection', { provider_id, ...parameters })
  await s.widget.press('authorize')
  await s.bank.agree('dev')
}

// Each way leads to a page on which the user cancels.
const ways = {
  'the list of banks': (s, more) => s.open('add_connection', more),
  'the choice of a channel': (s, more) => s.open('add_connection', { provider_id, select_channel: true, ...more }),
  'the notice': (s, more) => s.open('add_connection', { provider_id, ...more }),
  'the credentials': (s, more) => s.open('add_connection', { provider_id: demoBank.id, ...more }),
  'the consent': toTheConsent,
  'the choice of accounts': (s, more) => toTheConsent(s, { select_accounts: true, ...more }),
}

// By turns with a cancel_url, and without.
for (const [i, [page, way]] of Object.entries(ways).entries()) {
  const own = i % 2 === 0
  story(`cancel on ${page}, ${own ? 'with' : 'without'} a cancel_url`, async (s) => {
    await way(s, own ? { cancel_url: s.site.origin + '/cancelled?mine=1' } : {})
    await s.widget.press('cancel')
    const { status, result } = await s.back()
    assert.deepEqual({ status, result }, cancelled)
    assert.equal(new URL(s.page.url()).pathname, own ? '/cancelled' : '/back')
    assert.deepEqual(await s.user.accounts(), [], 'nothing was shared')
  })
}

story('cancel without any target ends on a page of ours', async (s) => {
  const session = await s.user.session()
  await s.page.goto(`${session.links.add_connection}&provider_id=${provider_id}`)
  await s.widget.press('cancel')
  await s.page.locator('main:not(:has(button)) h1').waitFor()
})

story('cancel on the question of the bank', async (s) => {
  await s.open('add_connection', { provider_id: demoBank.id })
  await s.widget.login({ 10001: 'demo' })
  await s.page.locator('button[name="304"][value=false]').click()
  const { status, result } = await s.back()
  assert.deepEqual({ status, result }, cancelled)
})

story('the session expires in the middle', async (s) => {
  await s.open('add_connection', { provider_id }, await s.user.session({}, { refreshed: false }))
  await s.widget.button('authorize').waitFor()
  await s.user.revoke()
  await s.widget.press('authorize')
  const { status, result } = await s.back()
  assert.deepEqual({ status, result }, { status: 'error', result: 'expired' })
})

story('an expired session goes back at once', async (s) => {
  const session = await s.user.session({}, { refreshed: false })
  await s.user.revoke()
  await s.open('add_connection', {}, session)
  const { status, result } = await s.back()
  assert.deepEqual({ status, result }, { status: 'error', result: 'expired' })
})

story('a session that nobody knows', async (s) => {
  const session = await s.user.session()
  const link = session.links.add_connection.replace(session.id, 'A'.repeat(32))
  const answer = await s.page.goto(link)
  assert.ok(answer.status() >= 400 && answer.status() < 500)
  await s.page.locator('h1').waitFor()
})

story('the back button at the bank, and after the end', async (s) => {
  await s.open('add_connection')
  await s.widget.choose(testBank)
  await s.widget.press('authorize')
  await s.page.locator('#login').waitFor()
  await s.page.goBack()
  await s.widget.press('authorize')
  await s.bank.agree('dev')
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  await s.page.goBack()
  await s.page.locator('h1').waitFor()
  assert.equal((await s.user.connections()).length, 1)
})

story('the back button among our own pages', async (s) => {
  await s.page.goto(s.site.origin)
  await s.open('add_connection')
  await s.widget.choose(demoBank)
  await s.widget.field('10001').waitFor()
  await s.page.goBack()
  await s.page.goForward()
  await s.widget.login({ 10001: 'demo' })
  await s.widget.sms(code)
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  assert.equal((await s.user.connections()).length, 1)
})

for (const script of [true, false])
  story(`a double click sends once, ${script ? 'with' : 'without'} JavaScript`, { script }, async (s) => {
    await s.open('add_connection', { provider_id, channel_definition_id: testBank.embedded })
    for (const [id, value] of Object.entries(dev)) await s.widget.field(id).fill(value)
    await s.page.locator('[data-e2e=submit-button]').dblclick()
    await s.widget.sms(code)
    await s.widget.button('consent').dblclick()
    assert.equal((await s.back()).status, 'success')
    assert.equal((await s.user.connections()).length, 1)
  })

story('the page loaded again shows the same', async (s) => {
  await s.open('add_connection', { provider_id: demoBank.id })
  await s.page.reload()
  await s.widget.login({ 10001: 'demo' })
  await s.widget.answer('304')
  await s.widget.field('306').waitFor()
  await s.page.reload()
  await s.widget.answer('307', { 306: code })
  await s.widget.button('consent').waitFor()
  await s.page.reload()
  await s.widget.press('consent')
  assert.equal((await s.back()).status, 'success')
  assert.equal((await s.user.connections()).length, 1)
})

story('two tabs with one session do not mix', async (s) => {
  const other = await s.context.newPage()
  const link = await s.link('add_connection')
  await s.page.goto(link)
  await other.goto(link)
  await widget(other).choose(testBank)
  await s.page.bringToFront()
  await s.widget.choose(demoBank)
  await s.widget.login({ 10001: 'demo' })
  await other.bringToFront()
  await widget(other).press('authorize')
  await s.page.bringToFront()
  await s.widget.sms(code)
  await other.bringToFront()
  await bank(other).agree('dev')
  await s.page.bringToFront()
  await s.widget.press('consent')
  await other.bringToFront()
  await widget(other).press('consent')
  const told = [await s.back(), await s.back(other)]
  const ids = told.map(({ connection_id }) => connection_id)
  assert.notEqual(...ids)
  const providers = await Promise.all(ids.map(async (id) => (await s.user.get('/connections/' + id)).provider_id))
  assert.deepEqual(providers, [demoBank.id, testBank.id])
})
